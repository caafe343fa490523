/** A secret that stays covered until somebody asks for it. */
import { useSignal } from "@preact/signals"
import * as Redacted from "effect/Redacted"

export const Secret = ({ value }: { readonly value: Redacted.Redacted<unknown> }) => {
  const shown = useSignal(false)
  const label = value.label ?? "secret"
  return (
    <span class="secret">
      {shown.value
        ? <code>{textOf(Redacted.value(value))}</code>
        : <code class="covered" aria-label="covered">••••••••</code>}
      <button
        type="button"
        class="quiet"
        aria-label={`${shown.value ? "Hide" : "Show"} ${label}`}
        onClick={() => {
          shown.value = !shown.value
        }}
      >
        {shown.value ? "Hide" : "Show"}
      </button>
    </span>
  )
}

const textOf = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value)
