/** Generators of JSON objects that were right once: members dropped, replaced, doubled, wrapped, and the text damaged. */
import * as fc from "fast-check"
import { jsonText } from "./json.ts"

/** A JSON object as its members' texts, so that one can stand in it twice. */
type Members = ReadonlyArray<readonly [name: string, text: string]>

const toMembers = (body: object): Members =>
  Object.entries(body).map(([name, value]): readonly [string, string] => [name, JSON.stringify(value)])

const toText = (members: Members): string =>
  `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`

export type Mutation =
  | { readonly kind: "drop"; readonly name: string }
  | { readonly kind: "set"; readonly name: string; readonly text: string }
  | { readonly kind: "again"; readonly name: string; readonly text: string }
  | { readonly kind: "wrap"; readonly name: string; readonly open: string; readonly close: string }

const mutation = (names: fc.Arbitrary<string>, others: fc.Arbitrary<Mutation>): fc.Arbitrary<Mutation> =>
  fc.oneof(
    fc.record({ kind: fc.constant("drop" as const), name: names }),
    fc.record({ kind: fc.constant("set" as const), name: names, text: jsonText }),
    fc.record({ kind: fc.constant("set" as const), name: names, text: jsonText }),
    fc.record({ kind: fc.constant("again" as const), name: names, text: jsonText }),
    fc.record({
      kind: fc.constant("wrap" as const),
      name: names,
      open: fc.constantFrom("[", "[[", "{\"value\":"),
      close: fc.constant("")
    }).map((wrap) => ({ ...wrap, close: wrap.open === "[" ? "]" : wrap.open === "[[" ? "]]" : "}" })),
    others
  )

const mutate = (members: Members, change: Mutation): Members => {
  switch (change.kind) {
    case "drop":
      return members.filter(([name]) => name !== change.name)
    case "set":
      return members.some(([name]) => name === change.name)
        ? members.map(([name, text]) => [name, name === change.name ? change.text : text])
        : [...members, [change.name, change.text]]
    case "again":
      return [...members, [change.name, change.text]]
    case "wrap":
      return members.map(([name, text]) => [name, name === change.name ? change.open + text + change.close : text])
  }
}

/** Names that mean something to JavaScript. */
export const oddNames: ReadonlyArray<string> = [
  "__proto__",
  "constructor",
  "toString",
  "toJSON",
  "hasOwnProperty",
  "then",
  ""
]

/** Texts of one of these objects, changed in up to six places; `others` are changes beside those that fit every object. */
export const mutated = (
  bases: ReadonlyArray<object>,
  names: fc.Arbitrary<string>,
  others: fc.Arbitrary<Mutation>
): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...bases.map(toMembers)), fc.array(mutation(names, others), { maxLength: 6 }))
    .map(([members, changes]) => toText(changes.reduce(mutate, members)))

/** What happens to a text on its way. */
export const damage = fc.oneof(
  { weight: 40, arbitrary: fc.constant((text: string) => text) },
  { weight: 1, arbitrary: fc.constant((text: string) => `\ufeff${text}`) },
  { weight: 1, arbitrary: fc.constant((text: string) => ` \r\n\t${text}\n`) },
  {
    weight: 1,
    arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map((part) => (text: string) =>
      text.slice(0, text.length * part)
    )
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("}", ",", "\u0000", "<html>", "{}").map((more) => (text: string) => text + more)
  },
  { weight: 1, arbitrary: fc.constant((text: string) => `[${text}]`) },
  { weight: 1, arbitrary: fc.constant((text: string) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.constant((text: string) => `<pre>${text}</pre>`) },
  { weight: 1, arbitrary: fc.constant((text: string) => `{"data":${text}}`) },
  // Larger than any answer may be, and valid.
  { weight: 1, arbitrary: fc.constant((text: string) => text + " ".repeat(1_048_577)) }
)
