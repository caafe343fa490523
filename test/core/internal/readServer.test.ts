import { AuthorizationServer } from "@effect-dcr/core"
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { readServer } from "../../../packages/core/src/internal/readServer.ts"
import { serverGuards } from "../../../packages/core/src/internal/serverGuards.ts"
import { members } from "../../../packages/core/src/internal/serverMetadata.ts"

const bySchema = Schema.decodeUnknownOption(AuthorizationServer.AuthorizationServer)

const read = (document: { readonly [name: string]: unknown }) => Option.fromUndefinedOr(readServer(document))

const values: ReadonlyArray<unknown> = [
  "text",
  "",
  0,
  true,
  null,
  [],
  ["a"],
  ["a", 1],
  {},
  { keys: [] },
  { token_endpoint: "https://mtls.example.com/token", registration_endpoint: 7, vendor: [1] }
]

describe("readServer", () => {
  it("knows the members that the schema knows", () => {
    assert.deepStrictEqual(Object.keys(serverGuards).toSorted(), Object.keys(members).toSorted())
  })

  for (const name of [...Object.keys(members), "vendor", "toString"]) {
    it(`reads ${name} as the schema does`, () => {
      for (const value of values) {
        const document = { issuer: "https://op.example.com", [name]: value }
        assert.deepStrictEqual(read(document), bySchema(document), JSON.stringify(value))
      }
    })
  }

  it("keeps a member called __proto__ what it is", () => {
    const document = { issuer: "https://op.example.com", ["__proto__"]: { registration_endpoint: "x" } }
    assert.isUndefined(readServer(document)?.registration_endpoint)
  })
})
