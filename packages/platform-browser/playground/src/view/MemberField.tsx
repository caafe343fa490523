/** One member of the metadata: its control, and beside it the rules that it breaks. */
import { draft, memberOf, removeMember, violations } from "../state/draft.ts"
import { hints, kindOf, primary } from "../state/members.ts"
import { Control } from "./controls/Control.tsx"
import { fieldId } from "./fieldId.ts"
import { ViolationNotes } from "./Violations.tsx"

export const MemberField = ({ name }: { readonly name: string }) => {
  const id = fieldId(name)
  const value = draft.value[name]
  const broken = violations.value.filter((violation) => memberOf(violation) === name)
  const hint = hints[name]
  const described = [...(hint === undefined ? [] : [`${id}-hint`]), ...(broken.length === 0 ? [] : [`${id}-notes`])]
  return (
    <div class="field" id={id} role="group" aria-labelledby={`${id}-label`}>
      <div class="field-head">
        <span class="field-name" id={`${id}-label`}>{name}</span>
        {primary.includes(name) ?
          null :
          (
            <button type="button" class="quiet" aria-label={`Remove ${name}`} onClick={() => removeMember(name)}>
              Remove
            </button>
          )}
      </div>
      <Control
        name={name}
        kind={kindOf(name, value)}
        value={value}
        attributes={{
          "aria-labelledby": `${id}-label`,
          "aria-describedby": described.length === 0 ? undefined : described.join(" "),
          "aria-invalid": broken.some(({ severity }) => severity === "error") ? true : undefined
        }}
      />
      {hint === undefined ? null : <p class="hint" id={`${id}-hint`}>{hint}</p>}
      {broken.length === 0 ? null : <ViolationNotes id={`${id}-notes`} violations={broken} />}
    </div>
  )
}
