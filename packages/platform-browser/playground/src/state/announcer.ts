/** What a screen reader is told: one polite sentence after each operation. */
import { signal } from "@preact/signals"

export const announcement = signal("")

export const announce = (sentence: string) => {
  announcement.value = sentence
}
