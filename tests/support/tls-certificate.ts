// Makes a throw-away certificate for 127.0.0.1 with the openssl command, for tests of TLS.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type TlsCertificate = {
  certFile: string;
  keyFile: string;
  /** PEM texts. The certificate signs itself, so it is its own CA. */
  cert: string;
  key: string;
  remove(): void;
};

export function makeTlsCertificate(): TlsCertificate {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-tls-"));
  const certFile = join(folder, "cert.pem");
  const keyFile = join(folder, "key.pem");
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", keyFile, "-out", certFile], {
    stdio: "pipe",
  });
  return {
    certFile,
    keyFile,
    cert: readFileSync(certFile, "utf8"),
    key: readFileSync(keyFile, "utf8"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
