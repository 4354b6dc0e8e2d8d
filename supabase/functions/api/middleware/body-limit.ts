// Reads a request's body, and stops as soon as it is too long: a Content-Length is a claim, not a measure.
import { AppError } from "../../_shared/errors/mod.ts";

/** The body as text. Throws `payload_too_large`, or `malformed_json` for bytes that are no UTF-8. */
export async function readLimitedText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = (): AppError =>
    new AppError("payload_too_large", { detail: `At most ${maxBytes} bytes are allowed` });
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  if (request.body === null) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = request.body.getReader();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decode(() => decoder.decode());
    size += value.byteLength;
    if (size > maxBytes) {
      // Not awaited: a peer that keeps sending must not keep us.
      reader.cancel().catch(() => {});
      throw tooLarge();
    }
    text += decode(() => decoder.decode(value, { stream: true }));
  }
}

/** Runs one step of a decoder that throws on bytes which are no UTF-8. */
function decode(step: () => string): string {
  try {
    return step();
  } catch (cause) {
    throw new AppError("malformed_json", { detail: "The body is not UTF-8", cause });
  }
}
