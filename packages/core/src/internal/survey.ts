/**
 * What is to know of a whole answer before its members are read, found in one walk: to look into each of them by itself takes
 * most of the time that a large answer takes.
 *
 * @internal
 */
import type { JsonObject } from "./answer.ts"
import { type Container, isContainer, isList, isSecretMember, secretMembers, secretsIn, stringsIn } from "./secrets.ts"

export interface Survey {
  /** How many levels of values there are inside. */
  readonly depth: number
  /** Whether a number is too large: JSON has no infinity, but `1e400` is one. */
  readonly hasInfinity: boolean
  /** The secrets that it brings. */
  readonly secrets: ReadonlyArray<string>
}

/** Looks at every value once, level by level. Not recursive: a body may be deep. */
export const surveyOf = (body: JsonObject): Survey => {
  let depth = 0
  let hasInfinity = false
  let hidesSecret = false
  const inherits = objectsInherit()
  for (let level: ReadonlyArray<Container> = [body]; level.length > 0;) {
    const below: Array<Container> = []
    let isEmpty = true
    for (const container of level) {
      if (isList(container)) {
        for (const value of container) {
          isEmpty = false
          if (isContainer(value)) below.push(value)
          else if (isInfinity(value)) hasInfinity = true
        }
      } else {
        // A list of its values, for each object, would take most of the time.
        for (const name in container) {
          if (inherits && !Object.hasOwn(container, name)) continue
          isEmpty = false
          const value = container[name]
          if (isContainer(value)) below.push(value)
          else if (isInfinity(value)) hasInfinity = true
          if (depth > 0 && isSecretMember(name)) hidesSecret = true
        }
      }
    }
    if (!isEmpty) depth++
    level = below
  }
  const own = secretMembers.flatMap((name) => Object.hasOwn(body, name) ? stringsIn(body[name]) : [])
  return { depth, hasInfinity, secrets: hidesSecret ? secretsIn(body) : own }
}

/** By its type first: most values are text, and to compare that with numbers takes a third of the walk. */
const isInfinity = (value: unknown): boolean => typeof value === "number" && (value === Infinity || value === -Infinity)

/** Whether some script gave a member to every object there is, what is read from JSON included. Its value has no end. */
const objectsInherit = (): boolean => {
  const names: Array<string> = []
  for (const name in {}) names.push(name)
  return names.length > 0
}
