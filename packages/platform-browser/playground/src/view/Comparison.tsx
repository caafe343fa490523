/** What was asked and what was granted, side by side. */
import * as ClientInformation from "@effect-dcr/core/ClientInformation"
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import { useSignal } from "@preact/signals"
import * as Redacted from "effect/Redacted"
import { Value } from "./Value.tsx"

type Mark = "replaced" | "dropped" | "added" | "same"

interface Row {
  readonly member: string
  readonly mark: Mark
  readonly asked: unknown
  readonly granted: unknown
  readonly isFilledIn: boolean
}

export const Comparison = ({ client }: { readonly client: RegisteredClient }) => {
  const all = useSignal(true)
  const rows = rowsOf(client)
  const shown = all.value ? rows : rows.filter(({ mark }) => mark !== "same")
  return (
    <div class="comparison">
      <div class="sub-head">
        <h3>Asked and granted</h3>
        <label class="check">
          <input
            type="checkbox"
            checked={!all.value}
            onChange={({ currentTarget }) => {
              all.value = !currentTarget.checked
            }}
          />
          only differences
        </label>
      </div>
      {client.differences.assumed
        ? <p class="panel">The answer repeats nothing of what was asked, so it is assumed to be registered.</p>
        : null}
      {shown.length === 0 ? <p class="empty">The server granted what was asked.</p> : (
        <table>
          <thead>
            <tr>
              <th scope="col">Member</th>
              <th scope="col">Asked</th>
              <th scope="col">Granted</th>
            </tr>
          </thead>
          <tbody>{shown.map((row) => <ComparisonRow key={row.member} row={row} />)}</tbody>
        </table>
      )}
      <Remarks client={client} />
    </div>
  )
}

const ComparisonRow = ({ row }: { readonly row: Row }) => (
  <tr class={row.mark}>
    <th scope="row">
      <code>{row.member}</code>
      {row.mark === "same" ? null : <span class={`mark ${row.mark}`}>{row.mark}</span>}
    </th>
    <td data-title="asked">
      {row.asked === undefined ? <span class="faint">—</span> : <Value value={row.asked} />}
      {row.isFilledIn ? <span class="faint">filled in</span> : null}
    </td>
    <td data-title="granted">
      {row.granted === undefined ? <span class="faint">not registered</span> : <Value value={row.granted} />}
    </td>
  </tr>
)

const order: ReadonlyArray<Mark> = ["replaced", "dropped", "added", "same"]

const rowsOf = (client: RegisteredClient): ReadonlyArray<Row> => {
  const { added, dropped, replaced } = client.differences
  const has = (found: ReadonlyArray<{ readonly member: string }>, name: string) =>
    found.some(({ member }) => member === name)
  const granted = new Map<string, unknown>([
    // Nobody knows what is in a member that no specification knows.
    ...Object.entries(client.extensions).map(([name, value]) => [name, Redacted.make(value, { label: name })] as const),
    ...Object.entries(client.information).filter(([name]) => !Object.hasOwn(ClientInformation.answerMembers, name))
  ])
  const asked = new Map<string, unknown>(Object.entries(client.requested))
  return [...new Set([...asked.keys(), ...granted.keys()])]
    .map((member): Row => ({
      member,
      mark: has(replaced, member)
        ? "replaced"
        : has(dropped, member)
        ? "dropped"
        : has(added, member)
        ? "added"
        : "same",
      asked: asked.get(member),
      granted: granted.get(member),
      isFilledIn: client.filledIn.includes(member)
    }))
    .toSorted((a, b) => order.indexOf(a.mark) - order.indexOf(b.mark))
}

/** Where the answer departs from the specifications, and what the rules warned about. */
const Remarks = ({ client: { deviations, warnings } }: { readonly client: RegisteredClient }) => (
  <>
    <h3>Deviations</h3>
    {deviations.length === 0
      ? <p class="empty">The answer keeps to the specifications.</p>
      : (
        <ul class="notes">
          {deviations.map(({ id, member, message, section }) => (
            <li class="warning" key={`${id}${member}`}>
              {member === undefined ? null : <code>{member}</code>} {message}
              <span class="rule">
                {section} <code>{id}</code>
              </span>
            </li>
          ))}
        </ul>
      )}
    {warnings.length === 0 ? null : (
      <>
        <h3>Warned before it was sent</h3>
        <ul class="notes">
          {warnings.map(({ member, message, rule, section }) => (
            <li class="warning" key={rule + member}>
              <code>{member}</code> {message}
              <span class="rule">
                {section} <code>{rule}</code>
              </span>
            </li>
          ))}
        </ul>
      </>
    )}
  </>
)
