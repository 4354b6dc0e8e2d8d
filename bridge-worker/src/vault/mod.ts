// Door of the vault: opens sealed MT5 passwords for their owner and hides them from every form of output. Imports the
// shared contract and jose only. Tests: beside the files.
export { Secret } from "./secret.ts";
export { type CredentialOwner, createVault, credentialHash, type Vault } from "./vault.ts";
