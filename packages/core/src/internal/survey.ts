/**
 * What is to know of a whole answer before its members are read, found in one walk: to look into each of them by itself takes
 * most of the time that a large answer takes.
 *
 * @internal
 */
import type { JsonObject } from "./answer.ts"
import { type Container, isContainer, isList, secretMembers, secretsIn, stringsIn } from "./secrets.ts"

export interface Survey {
  /** How many levels of values there are inside. */
  readonly depth: number
  /** Whether a number is too large: JSON has no infinity, but `1e400` is one. */
  readonly hasInfinity: boolean
  /** The secrets that it brings. */
  readonly secrets: ReadonlyArray<string>
}

/** Looks at every value once. Not recursive: a body may be deep. */
export const surveyOf = (body: JsonObject): Survey => {
  let depth = 0
  let hasInfinity = false
  let hidesSecret = false
  for (let level: ReadonlyArray<Container> = [body]; level.length > 0;) {
    const below: Array<Container> = []
    let isEmpty = true
    for (const container of level) {
      const isObject = !isList(container)
      const values = isObject ? Object.values(container) : container
      if (values.length > 0) isEmpty = false
      for (const value of values) {
        if (isContainer(value)) below.push(value)
        else if (value === Infinity || value === -Infinity) hasInfinity = true
      }
      if (isObject && depth > 0 && secretMembers.some((name) => Object.hasOwn(container, name))) hidesSecret = true
    }
    if (!isEmpty) depth++
    level = below
  }
  const own = secretMembers.flatMap((name) => Object.hasOwn(body, name) ? stringsIn(body[name]) : [])
  return { depth, hasInfinity, secrets: hidesSecret ? secretsIn(body) : own }
}
