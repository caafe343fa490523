/** Broken rules: beside a field, and all of them in a list that leads to the fields. */
import type { Violation } from "@effect-dcr/core/Violation"
import { memberOf } from "../state/draft.ts"
import { fieldId } from "./fieldId.ts"

export const ViolationNotes = ({ id, violations }: {
  readonly id: string
  readonly violations: ReadonlyArray<Violation>
}) => (
  <ul class="notes" id={id}>
    {violations.map((violation) => (
      <li class={violation.severity} key={violation.rule + violation.member}>
        <strong>{violation.severity === "error" ? "Error" : "Warning"}</strong> {position(violation)}
        {violation.message}
        <span class="rule">
          {violation.section} <code>{violation.rule}</code>
        </span>
      </li>
    ))}
  </ul>
)

export const ViolationList = ({ violations }: { readonly violations: ReadonlyArray<Violation> }) => (
  <ul class="notes">
    {violations.map((violation) => (
      <li class={violation.severity} key={violation.rule + violation.member}>
        <a href={`#${fieldId(memberOf(violation))}`} onClick={(event) => focusField(event, memberOf(violation))}>
          <code>{violation.member}</code>
        </a>{" "}
        {violation.message}
        <span class="rule">
          {violation.section} <code>{violation.rule}</code>
        </span>
      </li>
    ))}
  </ul>
)

/** Where in the member, if the member has several values. */
const position = ({ member }: Violation): string => {
  const inside = /\[(\d+)\]$/.exec(member)?.[1]
  return inside === undefined ? "" : `value ${Number(inside) + 1} `
}

const focusField = (event: Event, member: string) => {
  const field = document.getElementById(fieldId(member))
  if (field === null) return
  event.preventDefault()
  field.scrollIntoView({ block: "center" })
  field.querySelector<HTMLElement>("input, select, textarea, button")?.focus()
}
