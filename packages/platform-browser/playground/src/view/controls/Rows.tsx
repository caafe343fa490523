/** A list of texts: one row each, and a last one that is empty. */
import { removeMember, setMember } from "../../state/draft.ts"
import type { ControlProps } from "./props.ts"

export const Rows = ({ attributes, name, value }: ControlProps) => {
  const items: ReadonlyArray<unknown> = Array.isArray(value) ? value : value === undefined ? [] : [value]
  const set = (next: ReadonlyArray<unknown>) => next.length === 0 ? removeMember(name) : setMember(name, next)
  return (
    <div class="rows">
      {[...items, ""].map((item, index) => (
        <div class="joined" key={index}>
          <input
            type="text"
            class="code"
            spellcheck={false}
            autocomplete="off"
            placeholder={index === items.length ? "Add a value" : undefined}
            value={typeof item === "string" ? item : JSON.stringify(item)}
            aria-label={`${name}, value ${index + 1}`}
            aria-describedby={attributes["aria-describedby"]}
            aria-invalid={index < items.length ? attributes["aria-invalid"] : undefined}
            onInput={({ currentTarget }) =>
              index === items.length
                ? currentTarget.value === "" ? undefined : set([...items, currentTarget.value])
                : set(items.with(index, currentTarget.value))}
          />
          {index === items.length ? null : (
            <button
              type="button"
              class="icon"
              aria-label={`Remove value ${index + 1} of ${name}`}
              onClick={() => set(items.toSpliced(index, 1))}
            >
              ×
            </button>
          )}
        </div>
      ))}
    </div>
  )
}
