// SHA-256 of a text, as the protocol and the fingerprint write it. Pure.
import { base64url } from "jose";

/** base64url without padding, 43 characters. */
export async function sha256Base64url(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return base64url.encode(new Uint8Array(digest));
}
