/**
 * Base64url without padding (RFC 7515 §2), by the platform's `btoa`: several times as fast as a table in TypeScript.
 *
 * @internal
 */

/** Encodes text of ASCII characters. */
export const encodeText = (text: string): string => btoa(text).replace(/=/g, "").replace(/\+/g, "-").replace(/\//g, "_")

/** Encodes the UTF-8 bytes of any text. */
export const encodeUtf8 = (text: string): string =>
  // Most texts are ASCII, of which each character is its byte.
  /^[\x20-\x7e]*$/.test(text) ? encodeText(text) : encodeBytes(new TextEncoder().encode(text))

export const encodeBytes = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return encodeText(text)
}
