/**
 * Base64url without padding (RFC 7515 §2), by the platform's `btoa`: several times as fast as a table in TypeScript.
 *
 * @internal
 */

/** Encodes text of ASCII characters. */
export const encodeText = (text: string): string => btoa(text).replace(/=/g, "").replace(/\+/g, "-").replace(/\//g, "_")

export const encodeBytes = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += String.fromCharCode(byte)
  return encodeText(text)
}
