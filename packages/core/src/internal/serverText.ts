/**
 * Text that a server sent, made fit for an error: one line, short, no markup, no secrets.
 *
 * @internal
 */

const maximumLength = 300

const looksLikeMarkup = /<\s*(!doctype|html|head|body|script|style|\?xml|[a-z][\w-]*[\s/>])/i

/**
 * Cleans `text`. Every secret of the exchange is replaced, also in the encodings in which servers tend to echo one back.
 * `undefined` when nothing fit to show is left.
 */
export const cleanServerText = (text: unknown, secrets: ReadonlyArray<string>): string | undefined => {
  if (typeof text !== "string" || looksLikeMarkup.test(text)) return undefined
  let cleaned = text
  for (const secret of secrets) {
    if (secret === "") continue
    for (const form of new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])) {
      cleaned = cleaned.replaceAll(form, "<redacted>")
    }
  }
  // Control characters, line breaks and the invisible or direction-changing ones would let a server forge log lines.
  cleaned = cleaned.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim()
  if (cleaned === "") return undefined
  return cleaned.length > maximumLength ? `${cleaned.slice(0, maximumLength - 1)}…` : cleaned
}
