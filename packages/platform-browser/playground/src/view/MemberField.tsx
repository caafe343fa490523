/** One member of the metadata: its control, and beside it the rules that it breaks. */
import { draft, memberOf, removeMember, violations } from "../state/draft.ts"
import { hints, kindOf, primary } from "../state/members.ts"
import { Control } from "./controls/Control.tsx"
import { fieldId } from "./fieldId.ts"
import { ViolationNotes } from "./Violations.tsx"

export const MemberField = ({ name }: { readonly name: string }) => {
  const id = fieldId(name)
  const value = draft.value[name]
  const kind = kindOf(name, value)
  const broken = violations.value.filter((violation) => memberOf(violation) === name)
  const hint = hints[name]
  const described = [...(hint === undefined ? [] : [`${id}-hint`]), ...(broken.length === 0 ? [] : [`${id}-notes`])]
  return (
    <div class="field" id={id} {...(kind === "list" ? { role: "group", "aria-labelledby": `${id}-label` } : undefined)}>
      <div class="field-head">
        {kind === "list"
          ? <span class="field-name" id={`${id}-label`}>{name}</span>
          : <label class="field-name" for={`${id}-control`}>{name}</label>}
        {primary.includes(name) || !Object.hasOwn(draft.value, name) ?
          null :
          (
            <button
              type="button"
              class="quiet"
              aria-label={`Remove ${name}`}
              onClick={() => removeMember(name)}
            >
              Remove
            </button>
          )}
      </div>
      <Control
        name={name}
        kind={kind}
        value={value}
        attributes={{
          id: `${id}-control`,
          "aria-describedby": described.length === 0 ? undefined : described.join(" "),
          "aria-invalid": broken.some(({ severity }) =>
              severity === "error"
            )
            ? true
            : undefined
        }}
      />
      {hint === undefined ? null : <p class="hint" id={`${id}-hint`}>{hint}</p>}
      {broken.length === 0 ? null : <ViolationNotes id={`${id}-notes`} violations={broken} />}
    </div>
  )
}
