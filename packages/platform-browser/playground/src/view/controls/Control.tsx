/** The control for a kind of value. What is left empty is left out of the metadata. */
import { removeMember, setMember } from "../../state/draft.ts"
import type { Kind } from "../../state/members.ts"
import { isChoice, suggestions } from "../../state/members.ts"
import { server } from "../../state/server.ts"
import { Checks } from "./Checks.tsx"
import { JsonValue } from "./JsonValue.tsx"
import type { ControlProps } from "./props.ts"
import { Rows } from "./Rows.tsx"

export const Control = ({ kind, ...props }: ControlProps & { readonly kind: Kind }) => {
  const { name, value } = props
  switch (kind) {
    case "text":
      return isChoice(name) && suggestions(name, server.value).length > 0 ? <Choice {...props} /> : <Text {...props} />
    case "number":
      return <Text {...props} />
    case "boolean":
      return <Switch {...props} />
    case "list":
      return isChoice(name) && (value === undefined || Array.isArray(value))
        ? <Checks {...props} />
        : <Rows {...props} />
    case "json":
      return <JsonValue {...props} />
  }
}

/** Text, and numbers as text: `12a` is the rules' matter. */
const Text = ({ attributes, name, value }: ControlProps) => (
  <input
    type="text"
    class={name.endsWith("_name") ? undefined : "code"}
    spellcheck={false}
    autocomplete="off"
    value={value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)}
    onInput={({ currentTarget }) =>
      currentTarget.value === ""
        ? removeMember(name)
        : setMember(name, typeof value === "number" ? numberOr(currentTarget.value) : currentTarget.value)}
    {...attributes}
  />
)

const numberOr = (text: string): number | string => /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text

const Choice = ({ attributes, name, value }: ControlProps) => {
  const options = suggestions(name, server.value)
  const current = typeof value === "string" ? value : ""
  return (
    <select
      class="code"
      value={current}
      onChange={({ currentTarget }) =>
        currentTarget.value === "" ? removeMember(name) : setMember(name, currentTarget.value)}
      {...attributes}
    >
      <option value="">left out</option>
      {(current === "" || options.includes(current) ? options : [...options, current]).map((option) => (
        <option key={option} value={option}>{option}</option>
      ))}
    </select>
  )
}

const Switch = ({ attributes, name, value }: ControlProps) => (
  <select
    class="code"
    value={value === undefined ? "" : JSON.stringify(value)}
    onChange={({ currentTarget }) =>
      currentTarget.value === "" ? removeMember(name) : setMember(name, currentTarget.value === "true")}
    {...attributes}
  >
    <option value="">left out</option>
    <option value="true">true</option>
    <option value="false">false</option>
  </select>
)
