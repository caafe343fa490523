import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import { RegisteredClient, shownInformation } from "@effect-dcr/core/RegisteredClient"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Inspectable, Option, Redacted } from "effect"
import { inspect } from "node:util"

const secrets = ["s3cret-client", "s3cret-token", "s3cret-vendor", "s3cret-asked"]

const make = (information: Partial<RegisteredClient["information"]> = {}, more: Partial<RegisteredClient> = {}) =>
  new RegisteredClient({
    issuer: "https://op.example",
    requested: ClientMetadata.withExtensions(
      { redirect_uris: ["https://app.example/cb"], client_name: "A", "client_name#de": "B" },
      { vendor_key: "s3cret-asked" }
    ),
    filledIn: ["application_type"],
    warnings: [],
    information: {
      client_id: "c",
      client_secret: Redacted.make("s3cret-client", { label: "client_secret" }),
      registration_access_token: Redacted.make("s3cret-token"),
      client_name: "A",
      ...information
    },
    extensions: { vendor_secret: "s3cret-vendor", nested: { secret: ["s3cret-vendor"] } },
    deviations: [{ id: "status", section: "RFC 7591 §3.2.1", message: "The status is 200 instead of 201" }],
    ...more
  })

describe("printing one shows no secret and no value of an extension", () => {
  const deep = { depth: Infinity, showHidden: true, getters: true } as const
  const prints: { readonly [how: string]: (client: RegisteredClient) => string } = {
    "JSON.stringify": (client) => JSON.stringify(client),
    "JSON.stringify inside something": (client) => JSON.stringify({ a: [client] }),
    "inspect": (client) => inspect(client),
    "inspect, deep, inside something": (client) => inspect({ a: [client] }, { depth: Infinity }),
    "inspect of the information": (client) => inspect(client.information, deep),
    "String": (client) => String(client),
    "template": (client) => `${client.toString()}`,
    "toStringUnknown": (client) => Inspectable.toStringUnknown(client),
    "a copy": (client) => JSON.stringify({ ...client }) + inspect(Object.assign({}, client.information), deep),
    "its own properties": (client) =>
      inspect(Object.getOwnPropertyNames(client).map((name): unknown => Reflect.get(client, name)), { depth: Infinity })
  }
  for (const [how, print] of Object.entries(prints)) {
    it(how, () => {
      const text = print(make())
      const isCopyOfRequest = how === "a copy" || how === "its own properties"
      for (const secret of secrets) {
        // What the caller asked for is the caller's, when it is taken out by hand.
        if (secret === "s3cret-asked" && isCopyOfRequest) continue
        assert.notInclude(text, secret)
      }
    })
  }

  it("but all that a person wants to see", () => {
    assert.deepStrictEqual(JSON.parse(JSON.stringify(make())), {
      _id: "@effect-dcr/core/RegisteredClient",
      issuer: "https://op.example",
      requested: {
        redirect_uris: ["https://app.example/cb"],
        client_name: "A",
        "client_name#de": "B",
        vendor_key: "<extension>"
      },
      filledIn: ["application_type"],
      warnings: [],
      information: {
        client_id: "c",
        client_secret: "<redacted:client_secret>",
        registration_access_token: "<redacted>",
        client_name: "A"
      },
      extensions: ["vendor_secret", "nested"],
      deviations: [{ id: "status", section: "RFC 7591 §3.2.1", message: "The status is 200 instead of 201" }]
    })
    assert.match(inspect(make()), /client_id: 'c'/)
  })
})

describe("the management URI", () => {
  const shown = (uri: string) => {
    const information = {
      client_id: "client-1",
      registration_client_uri: uri,
      client_secret: Redacted.make("s3cret"),
      registration_access_token: Redacted.make("a-token/with+signs=")
    }
    return shownInformation(information).registration_client_uri
  }

  it("is shown as it is where it holds the identifier alone", () => {
    for (const uri of ["https://op.example/reg/client-1", "https://op.example/reg?client_id=client-1"]) {
      assert.strictEqual(shown(uri), uri)
    }
    assert.deepStrictEqual(shownInformation({ client_id: "c" }), { client_id: "c" })
  })

  it("is shown without what may be a secret", () => {
    for (
      const [uri, expected] of [
        ["reg/s3cret/x", "reg/<redacted>/x"],
        ["reg/a-token%2Fwith%2Bsigns%3D", "reg/<redacted>"],
        ["reg/a-token/with%2bsigns=", "reg/<redacted>"],
        ["reg/client-1?k=v&client_id=client-1", "reg/client-1?k=<redacted>&client_id=client-1"],
        ["reg/client-1#a", "reg/client-1#<redacted>"]
      ] as const
    ) assert.strictEqual(shown(`https://op.example/${uri}`), `https://op.example/${expected}`)
    assert.strictEqual(shown("https://user:password@op.example/reg"), "<redacted>")
  })
})

describe("a secret in the management URI", () => {
  it("is not shown, and the URI is kept", () => {
    const uri = "https://op.example/c/s3cret-token"
    const client = make({ registration_client_uri: uri })
    assert.strictEqual(client.information.registration_client_uri, uri)
    for (const text of [JSON.stringify(client), inspect(client), String(client)]) {
      assert.notInclude(text, "s3cret-token")
      assert.include(text, "https://op.example/c/<redacted>")
    }
  })
})

describe("extensions", () => {
  it("come out by name", () => {
    const client = make()
    assert.strictEqual(client.extensions["vendor_secret"], "s3cret-vendor")
    assert.notInclude(Object.keys(client), "extensions")
  })
})

describe("differences", () => {
  it("compare what was asked with what was granted, extensions included", () => {
    const { added, dropped, replaced } = make({ client_name: "Other" }).differences
    assert.deepStrictEqual(replaced, [{ member: "client_name", requested: "A", granted: "Other" }])
    assert.deepStrictEqual(dropped.map(({ member }) => member).toSorted(), [
      "client_name#de",
      "redirect_uris",
      "vendor_key"
    ])
    assert.deepStrictEqual(added.map(({ member }) => member), ["vendor_secret", "nested"])
  })

  it("an extension never hides a member of the information", () => {
    const client = make({}, { extensions: { client_name: "not me" } })
    assert.deepStrictEqual(client.differences.replaced, [])
  })
})

describe("secretExpiresAt", () => {
  const at = (information: Partial<RegisteredClient["information"]>) => make(information).secretExpiresAt

  it("is the time in the answer", () => {
    assert.deepStrictEqual(
      Option.map(at({ client_secret_expires_at: 1_700_000_000 }), DateTime.formatIso),
      Option.some("2023-11-14T22:13:20.000Z")
    )
    assert.deepStrictEqual(Option.map(at({ client_secret_expires_at: 1 }), DateTime.toEpochMillis), Option.some(1000))
  })

  it("is none when it never expires, when the server did not say, and when there is no secret", () => {
    assert.isTrue(Option.isNone(at({ client_secret_expires_at: 0 })))
    assert.isTrue(Option.isNone(at({})))
    assert.isTrue(Option.isNone(at({ client_secret: undefined, client_secret_expires_at: 1_700_000_000 })))
  })

  it("is none when it is no time at all", () => {
    for (const seconds of [NaN, Infinity, 1e300, -1e300]) {
      assert.isTrue(Option.isNone(at({ client_secret_expires_at: seconds })), String(seconds))
    }
  })
})
