import { useSignal } from "@preact/signals"
import { announce } from "../state/announcer.ts"

export const CopyButton = ({ text, what }: { readonly what: string; readonly text: () => string }) => {
  const word = useSignal("Copy")
  const say = (said: string) => {
    word.value = said
    announce(`${what}: ${said}`)
    setTimeout(() => {
      word.value = "Copy"
    }, 2000)
  }
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`${word.value} ${what}`}
      onClick={() => void navigator.clipboard.writeText(text()).then(() => say("Copied"), () => say("Not copied"))}
    >
      {word}
    </button>
  )
}
