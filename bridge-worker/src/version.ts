// The product's version, as /health shows it. Equal to package.json (checked by scripts/check-versions.ts).
export const VERSION = "0.1.0";
