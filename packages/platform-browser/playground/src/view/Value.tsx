/** The value of a member, on as few lines as it needs. */
import * as Redacted from "effect/Redacted"
import { mask } from "../recording/mask.ts"
import { Json } from "./Json.tsx"
import { Secret } from "./Secret.tsx"

export const Value = ({ value }: { readonly value: unknown }) => {
  if (Redacted.isRedacted(value)) return <Secret value={value} />
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
    return value.length === 0
      ? <span class="faint">empty list</span>
      : (
        <ul class="values">
          {value.map((item) => (
            <li key={item}>
              <code>{item}</code>
            </li>
          ))}
        </ul>
      )
  }
  return typeof value === "object" && value !== null
    ? <Json value={mask(value)} />
    : <code>{String(value)}</code>
}
