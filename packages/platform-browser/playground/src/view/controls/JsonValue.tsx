/** A value that is written as JSON, such as a key set. */
import { useSignal } from "@preact/signals"
import { removeMember, setMember } from "../../state/draft.ts"
import type { ControlProps } from "./props.ts"

export const JsonValue = ({ attributes, name, value }: ControlProps) => {
  const typed = useSignal<string | undefined>(undefined)
  return (
    <textarea
      class="code"
      rows={4}
      spellcheck={false}
      placeholder="{ }"
      value={typed.value ?? (value === undefined ? "" : JSON.stringify(value, undefined, 2))}
      onInput={({ currentTarget }) => {
        typed.value = currentTarget.value
        if (currentTarget.value.trim() === "") return removeMember(name)
        try {
          setMember(name, JSON.parse(currentTarget.value))
        } catch {
          // Not yet JSON: the text itself is the value, of which the rules say that it has the wrong type.
          setMember(name, currentTarget.value)
        }
      }}
      onBlur={() => {
        typed.value = undefined
      }}
      {...attributes}
    />
  )
}
