// The version this function reports; the same as package.json's (checked). Pure.
export const VERSION = "0.1.0";
