/** JSON for reading, in which secrets stay covered. */
import * as Redacted from "effect/Redacted"
import type { VNode } from "preact"
import type { Masked } from "../recording/mask.ts"
import { Secret } from "./Secret.tsx"

export const Json = ({ value }: { readonly value: Masked }) => <pre class="json">{node(value, "")}</pre>

const isList = (value: Masked): value is ReadonlyArray<Masked> => Array.isArray(value)

const node = (value: Masked, indent: string): VNode => {
  if (Redacted.isRedacted(value)) return <Secret value={value} />
  if (typeof value !== "object" || value === null) {
    return <span class={`json-${typeof value}`}>{JSON.stringify(value)}</span>
  }
  const entries: ReadonlyArray<readonly [VNode | null, Masked]> = isList(value)
    ? value.map((item) => [null, item])
    : Object.entries(value).map(([name, item]) => [<span class="json-name">{`${JSON.stringify(name)}: `}</span>, item])
  const [open, close] = isList(value) ? ["[", "]"] : ["{", "}"]
  return entries.length === 0 ? <>{open}{close}</> : (
    <>
      {open}
      {entries.map(([name, item], index) => (
        <>
          {`\n${indent}  `}
          {name}
          {node(item, `${indent}  `)}
          {index < entries.length - 1 ? "," : ""}
        </>
      ))}
      {`\n${indent}${close}`}
    </>
  )
}
