/** The table of reasons in `docs/guides/errors.md`, held to the error itself. */
import { RegistrationError } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import * as Fs from "node:fs"

const page = Fs.readFileSync(new URL("../../docs/guides/errors.md", import.meta.url), "utf8")

const rows = new Map(
  page.split("\n").flatMap((line) => {
    const [, tag, happened, repeat, client, advice] =
      /^\| `([A-Z]\w+)` \| (.+) \| (.+) \| (.+) \| (.+) \|$/.exec(line) ?? []
    return tag === undefined ? [] : [[tag, { happened, repeat, client, advice }] as const]
  })
)

/** What the table says of something that is true of all of these, of some, or of none. */
const word = (answers: ReadonlyArray<boolean>): string =>
  answers.every((answer) => answer) ? "yes" : answers.includes(true) ? "sometimes" : "no"

const firstWord = (cell: string | undefined) => cell?.split(",")[0]

const samples = Effect.runSync(
  Arbitrary.sampleEffect(Arbitrary.schema(RegistrationError.Reason), { count: 3_000, seed: 1, size: 30 })
)

describe("docs/guides/errors.md", () => {
  it("names every reason, and no other", () => {
    const tags = RegistrationError.Reason.members.map(({ fields }) => fields._tag.schema.literal)
    assert.sameMembers([...rows.keys()], tags)
  })

  for (const member of RegistrationError.Reason.members) {
    const tag = member.fields._tag.schema.literal
    it(`${tag}: whether to repeat it, and whether there may be a client`, () => {
      const errors = samples.filter((reason) => reason._tag === tag)
        .map((reason) => new RegistrationError.RegistrationError({ reason }))
      assert.isAtLeast(errors.length, 20)
      const row = rows.get(tag)
      assert.strictEqual(firstWord(row?.repeat), word(errors.map(({ isSafeToRepeat }) => isSafeToRepeat)))
      assert.strictEqual(firstWord(row?.client), word(errors.map(({ mayHaveSucceeded }) => mayHaveSucceeded)))
    })
  }
})
