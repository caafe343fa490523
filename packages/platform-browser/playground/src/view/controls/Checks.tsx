/** Some of a few known values. */
import { removeMember, setMember } from "../../state/draft.ts"
import { suggestions } from "../../state/members.ts"
import { server } from "../../state/server.ts"
import type { ControlProps } from "./props.ts"

export const Checks = ({ attributes, name, value }: ControlProps) => {
  const chosen: ReadonlyArray<unknown> = Array.isArray(value) ? value : []
  const options = suggestions(name, server.value)
  const strangers = chosen.filter((item): item is string => typeof item === "string" && !options.includes(item))
  const toggle = (option: string) => {
    const next = chosen.includes(option) ? chosen.filter((item) => item !== option) : [...chosen, option]
    if (next.length === 0) removeMember(name)
    else setMember(name, next)
  }
  return (
    <div class="checks">
      {[...options, ...strangers].map((option) => (
        <label key={option}>
          <input
            type="checkbox"
            checked={chosen.includes(option)}
            aria-describedby={attributes["aria-describedby"]}
            onChange={() => toggle(option)}
          />
          <code>{shorten(option)}</code>
        </label>
      ))}
    </div>
  )
}

/** `urn:ietf:params:oauth:grant-type:device_code` is its last word to a reader. */
const shorten = (value: string): string => value.startsWith("urn:") ? `…${value.slice(value.lastIndexOf(":"))}` : value
