/** Brings any other registered member into the form. */
import { useSignal } from "@preact/signals"
import { draft, setMember } from "../state/draft.ts"
import { groups, kindOf, primary } from "../state/members.ts"
import { fieldId } from "./fieldId.ts"

export const AddMember = () => {
  const chosen = useSignal("")
  const isFree = (name: string) => !primary.includes(name) && !Object.hasOwn(draft.value, name)
  const add = () => {
    const name = chosen.value
    if (name === "") return
    chosen.value = ""
    setMember(name, empty[kindOf(name, undefined)])
    requestAnimationFrame(() =>
      document.getElementById(fieldId(name))?.querySelector<HTMLElement>("input, select, textarea")?.focus()
    )
  }
  return (
    <div class="field">
      <label class="field-name plain" for="add-member">Another member</label>
      <div class="joined">
        <select
          id="add-member"
          class="code"
          value={chosen.value}
          onChange={({ currentTarget }) => {
            chosen.value = currentTarget.value
          }}
        >
          <option value="">choose…</option>
          {groups.map(([title, members]) => (
            <optgroup key={title} label={title}>
              {members.filter(isFree).map((name) => <option key={name} value={name}>{name}</option>)}
            </optgroup>
          ))}
        </select>
        <button type="button" onClick={add}>Add</button>
      </div>
      <p class="hint">Localised names (client_name#ja) and members of your own go into the JSON.</p>
    </div>
  )
}

/** What a member begins with. */
const empty = { text: "", list: [], number: 0, boolean: true, json: {} } as const
