// Door of the errors: the catalogue, the class, the problem document. Pure; imports nothing. Tests: beside the files.
export * from "./app-error.ts";
export * from "./catalogue.ts";
export * from "./problem.ts";
