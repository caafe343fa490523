import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import { doing, editing } from "../state/client.ts"
import { draft, errorCount, filledIn, memberOf, violations, warningCount } from "../state/draft.ts"
import { primary } from "../state/members.ts"
import { presetName, presetNames, presets } from "../state/presets.ts"
import { AddMember } from "./AddMember.tsx"
import { JsonEditor } from "./JsonEditor.tsx"
import { MemberField } from "./MemberField.tsx"
import { RequestOptions } from "./RequestOptions.tsx"
import { Section } from "./Section.tsx"
import { Submit } from "./Submit.tsx"
import { ViolationList } from "./Violations.tsx"

export const MetadataSection = () => {
  // What a rule misses gets its field too, so that there is a place to mend it.
  const missed = violations.value.map(memberOf).filter(ClientMetadata.isMember)
  const others = new Set([...Object.keys(draft.value), ...missed].filter((name) => !primary.includes(name)))
  const elsewhere = violations.value.filter((violation) =>
    !others.has(memberOf(violation)) && !primary.includes(memberOf(violation))
  )
  return (
    <Section id="metadata" number={2} title={editing.value ? "Change the metadata" : "Metadata"} aside={<Tally />}>
      <fieldset class="presets" disabled={editing.value}>
        <legend>Preset</legend>
        <div class="segments wide">
          {presetNames.map((name) => (
            <label key={name} title={presets[name].about}>
              <input
                type="radio"
                name="preset"
                checked={presetName.value === name}
                onChange={() => {
                  presetName.value = name
                }}
              />
              <span>{presets[name].title}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <div class="editor" aria-busy={doing.value !== undefined}>
        <div class="fields">
          {[...primary, ...others].map((name) => <MemberField key={name} name={name} />)}
          <AddMember />
        </div>
        <JsonEditor />
      </div>
      <FilledIn />
      {elsewhere.length === 0 ? null : <ViolationList violations={elsewhere} />}
      {editing.value ? null : <RequestOptions />}
      <Submit />
    </Section>
  )
}

const Tally = () => (
  <p class="tally" role="status">
    {errorCount.value === 0 && warningCount.value === 0
      ? <span class="good">No rule is broken</span>
      : (
        <>
          {errorCount.value === 0 ? null : <span class="error">{count(errorCount.value, "error")}</span>}
          {warningCount.value === 0 ? null : <span class="warning">{count(warningCount.value, "warning")}</span>}
        </>
      )}
  </p>
)

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`

const FilledIn = () => {
  const entries = Object.entries(filledIn.value)
  return entries.length === 0 ? null : (
    <p class="filled">
      The preset adds{" "}
      {entries.map(([name, value]) => <code class="pair" key={name}>{name}: {JSON.stringify(value)}</code>)}
    </p>
  )
}
