/**
 * The members of a registration that no fixed name declares: localised ones, and those of other specifications.
 *
 * @internal
 */
import * as Schema from "effect/Schema"

/** The members that may carry a language tag (RFC 7591 §2.2), as in `client_name#ja-Jpan-JP`. */
export const localizable = ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"] as const

export type LocalizedName = `${(typeof localizable)[number]}#${string}`

export const isLocalized = (name: string): name is LocalizedName => {
  const mark = name.indexOf("#")
  return mark > 0 && localizable.some((member) => member === name.slice(0, mark))
}

/** The record of localised members of an open schema. */
export const localizedMembers = Schema.Record(
  Schema.TemplateLiteral([Schema.Literals(localizable), "#", Schema.String]),
  Schema.String
)

/** The record of members that are neither among the `declared` nor localised. */
export const otherMembers = (declared: object) =>
  Schema.Record(
    Schema.String.check(Schema.makeFilter((name) => !Object.hasOwn(declared, name) && !isLocalized(name))),
    Schema.Unknown
  )
