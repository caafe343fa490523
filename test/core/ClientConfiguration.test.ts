import {
  ClientConfiguration,
  ClientRegistration,
  DpopSigner,
  EndpointPolicy,
  RegisteredClient,
  RegistrationError,
  RetryPolicy
} from "@effect-dcr/core"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import { failsWith } from "../support/failure.ts"
import { type RecordedHttpClient, recordedHttpClient, type Reply } from "../support/recordedHttpClient.ts"
import { recordSpans } from "../support/recordedSpans.ts"
import { isSame } from "../support/registrars.ts"
import { unchecked } from "../support/unchecked.ts"

const uri = "https://op.example.com/clients/1?tenant=a%2Fb"

const info = {
  client_id: "client-1",
  client_secret: "secret-1-canary",
  client_secret_expires_at: 0,
  registration_access_token: "token-1-canary",
  registration_client_uri: uri,
  redirect_uris: ["https://app.example.com/cb"],
  client_name: "My app",
  "client_name#ja-JP": "アプリ",
  vendor: { deep: [1, { two: null }] }
}

/** A client as a registration left it. */
const clientOf = (
  information: object = {},
  requested: RegisteredClient.RegisteredClient["requested"] = {
    redirect_uris: info.redirect_uris,
    client_name: "My app"
  },
  issuer = "https://op.example.com"
) => {
  const { vendor, client_secret, registration_access_token, ...rest } = { ...info, ...information }
  return new RegisteredClient.RegisteredClient({
    issuer,
    requested,
    filledIn: [],
    warnings: [],
    information: {
      ...rest,
      ...(client_secret === undefined ? {} : { client_secret: Redacted.make(client_secret) }),
      ...(registration_access_token === undefined
        ? {}
        : { registration_access_token: Redacted.make(registration_access_token) })
    },
    extensions: vendor === undefined ? {} : { vendor },
    deviations: []
  })
}

const client = clientOf()

const ok = (body: object): Reply => ({ status: 200, body })

const gone: Reply = { status: 401, headers: { "www-authenticate": "Bearer error=\"invalid_token\"" } }

const over = (http: RecordedHttpClient) => Effect.provide(Layer.merge(http.layer, DpopSigner.layerNone))

const sent = (http: RecordedHttpClient) =>
  http.requests.map(({ headers, method, url }) => `${method} ${url} ${headers["authorization"]}`)

const bodyOf = (http: RecordedHttpClient, index: number): Record<string, unknown> =>
  unchecked(JSON.parse(http.requests[index]?.body ?? "{}"))

const values = ({ information }: RegisteredClient.RegisteredClient) => ({
  secret: information.client_secret === undefined ? undefined : Redacted.value(information.client_secret),
  token: information.registration_access_token === undefined
    ? undefined
    : Redacted.value(information.registration_access_token),
  expires: information.client_secret_expires_at,
  uri: information.registration_client_uri
})

describe("ClientConfiguration.read", () => {
  it.effect("asks the URI that came with the token, exactly, with the token, and takes what comes", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok({ ...info, client_name: "Renamed", client_id_issued_at: 5 }))
      const read = yield* ClientConfiguration.read(client).pipe(over(http))
      assert.deepStrictEqual(sent(http), [`GET ${uri} Bearer token-1-canary`])
      assert.strictEqual(http.requests[0]?.body, "")
      assert.strictEqual(http.requests[0]?.headers["accept"], "application/json")
      assert.strictEqual(read.information.client_name, "Renamed")
      assert.strictEqual(read.information.client_id_issued_at, 5)
      assert.deepStrictEqual(read.requested, client.requested)
      assert.deepStrictEqual(read.extensions, { vendor: info.vendor })
      assert.deepStrictEqual(read.deviations, [])
    }))

  it.effect("what an answer does not repeat of the credentials stays", () =>
    Effect.gen(function*() {
      const before = clientOf({ client_secret_expires_at: 100, client_id_issued_at: 3 })
      for (
        const [answer, secret, expires] of [
          [{}, "secret-1-canary", 100],
          [{ client_secret: "secret-1-canary" }, "secret-1-canary", 100],
          [{ client_secret_expires_at: 200 }, "secret-1-canary", 200],
          // Of another secret nobody said when it ends.
          [{ client_secret: "secret-2" }, "secret-2", undefined],
          // A client that became public has none.
          [{ token_endpoint_auth_method: "none" }, undefined, undefined]
        ] as const
      ) {
        const http = recordedHttpClient(ok({ client_id: "client-1", ...answer }))
        const read = yield* ClientConfiguration.read(before).pipe(over(http))
        assert.deepStrictEqual(values(read), { secret, token: "token-1-canary", expires, uri })
        assert.strictEqual(read.information.client_id_issued_at, 3)
      }
    }))

  it.effect("an answer that names another client is refused", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok({ ...info, client_id: "client-2", client_secret: "secret-2" }))
      const { error, reason } = yield* ClientConfiguration.read(client).pipe(over(http), failsWith("UnusableAnswer"))
      assert.strictEqual(reason.problem, "OtherClient")
      assert.strictEqual(error.clientId, "client-1")
      assert.isUndefined(error.registered)
    }))

  it.effect("a 401 is Unauthorized, and the registration at hand stays as it is", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(gone)
      const { error, reason } = yield* ClientConfiguration.read(client).pipe(over(http), failsWith("Unauthorized"))
      assert.strictEqual(reason.status, 401)
      assert.isFalse(error.isSafeToRepeat)
      assert.strictEqual(values(client).token, "token-1-canary")
    }))

  it.effect("is repeated only when it is known not to have been processed: a read may rotate", () =>
    Effect.gen(function*() {
      const refused = { fails: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) }
      const later: Reply = { status: 429, headers: { "retry-after": "1" } }
      const http = recordedHttpClient(refused, later, ok(info))
      const fiber = yield* Effect.forkChild(ClientConfiguration.read(client).pipe(over(http)))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(fiber)
      assert.strictEqual(http.requests.length, 3)
      const lost = recordedHttpClient({ fails: Object.assign(new Error("read"), { code: "ECONNRESET" }) }, ok(info))
      yield* ClientConfiguration.read(client).pipe(over(lost), failsWith("OutcomeUnknown"))
      assert.strictEqual(lost.requests.length, 1)
    }))
})

describe("ClientConfiguration.update", () => {
  it.effect("sends everything back as the server returned it, with the change, and none of what the server sets", () =>
    Effect.gen(function*() {
      const returned = {
        ...info,
        client_id_issued_at: 5,
        registration_access_token: "token-2",
        client_secret: "secret-2",
        logo_uri: null,
        tos_uri: "",
        vendor_null: null,
        scope: "openid",
        application_type: "service"
      }
      const http = recordedHttpClient(ok(returned), ok({ ...returned, client_name: "Renamed" }))
      const asked = clientOf({}, { ...client.requested, contacts: ["assumed@example.com"] })
      const updated = yield* ClientConfiguration.update(asked, {
        set: { client_name: "Renamed", policy_uri: undefined },
        remove: ["scope"]
      }).pipe(over(http))
      assert.deepStrictEqual(sent(http), [`GET ${uri} Bearer token-1-canary`, `PUT ${uri} Bearer token-2`])
      assert.deepStrictEqual(bodyOf(http, 1), {
        client_id: "client-1",
        redirect_uris: info.redirect_uris,
        client_name: "Renamed",
        "client_name#ja-JP": "アプリ",
        vendor: info.vendor,
        application_type: "service"
      })
      assert.deepStrictEqual(updated.requested, { ...asked.requested, client_name: "Renamed" })
    }))

  it.effect("sends the secret only if asked, and the current one", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok({ ...info, client_secret: "secret-2" }))
      yield* ClientConfiguration.update(client, { sendSecret: true }).pipe(over(http))
      assert.strictEqual(bodyOf(http, 1)["client_secret"], "secret-2")
      yield* ClientConfiguration.replace(client, {}).pipe(over(http))
      assert.notProperty(bodyOf(http, 2), "client_secret")
      assert.strictEqual(http.requests.length, 3)
    }))

  it.effect("never sends what only the server sets, whatever a caller says", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok(info))
      yield* ClientConfiguration.update(client, {
        set: unchecked({
          client_id: "another",
          client_secret: "mine",
          client_id_issued_at: 1,
          client_secret_expires_at: 1,
          registration_access_token: "mine",
          registration_client_uri: "https://evil.example.com"
        }),
        remove: ["software_id"]
      }).pipe(over(http))
      const put = http.requests.findIndex(({ method }) => method === "PUT")
      assert.deepStrictEqual(Object.keys(bodyOf(http, put)).sort(), [
        "client_id",
        "client_name",
        "client_name#ja-JP",
        "redirect_uris",
        "vendor"
      ])
      assert.strictEqual(bodyOf(http, put)["client_id"], "client-1")
    }))

  it.effect("knows a language tag in any spelling", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok(info))
      yield* ClientConfiguration.replace(client, { set: { "client_name#ja-jp": "新" } }).pipe(over(http))
      yield* ClientConfiguration.replace(client, { remove: ["client_name#JA-jp"] }).pipe(over(http))
      assert.deepStrictEqual(
        [0, 1].map((index) => Object.entries(bodyOf(http, index)).filter(([name]) => name.includes("#"))),
        [[["client_name#ja-jp", "新"]], []]
      )
    }))

  it.effect("is judged before anything is sent: what is set, and what is left when a member is removed", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok(info))
      const update = (change: object) => ClientConfiguration.update(client, unchecked(change)).pipe(over(http))
      yield* update({ set: { redirect_uris: ["not a url"] } }).pipe(failsWith("InvalidMetadata"))
      yield* update({ remove: ["redirect_uris"] }).pipe(failsWith("InvalidMetadata"))
      yield* update({ set: [] }).pipe(failsWith("InvalidMetadata"))
      yield* update({ set: { client_name: "a" }, remove: ["client_name"] }).pipe(failsWith("InvalidOptions"))
      yield* update({ set: { vendor: 1n } }).pipe(Effect.flip)
      assert.strictEqual(http.requests.length, 0)
      // What the server itself returned is its own matter.
      const odd = clientOf({ redirect_uris: ["javascript:alert(1)"] })
      yield* ClientConfiguration.update(odd, { set: { client_name: "a" } }).pipe(over(http))
    }))

  it.effect("a failure after the read carries what was read, and shows none of its secrets", () =>
    Effect.gen(function*() {
      const rotated = { ...info, registration_access_token: "token-2-canary", client_secret: "secret-2-canary" }
      const echo: Reply = {
        status: 400,
        body: { error: "invalid_client_metadata", error_description: "got token-2-canary, secret-2-canary" }
      }
      const http = recordedHttpClient(ok(rotated), echo)
      const { error } = yield* ClientConfiguration.update(client, { set: { client_name: "a" } }).pipe(
        over(http),
        failsWith("InvalidClientMetadata")
      )
      if (error.registered === undefined) return assert.fail("the token is lost")
      assert.strictEqual(values(error.registered).token, "token-2-canary")
      const encoded = yield* Schema.encodeUnknownEffect(RegistrationError.RegistrationErrorSchema)(error)
      assert.deepInclude(encoded, { clientId: "client-1", issuer: "https://op.example.com" })
      for (const text of [JSON.stringify(encoded), JSON.stringify(error), String(error), error.message]) {
        assert.notInclude(text, "canary")
      }
    }))

  it.effect("an update whose answer is lost is not repeated", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok(info), { fails: Object.assign(new Error("read"), { code: "ECONNRESET" }) })
      const { error } = yield* ClientConfiguration.update(client, {}).pipe(over(http), failsWith("OutcomeUnknown"))
      assert.strictEqual(http.requests.length, 2)
      assert.isDefined(error.registered)
    }))
})

describe("ClientConfiguration.rotate", () => {
  it.effect("says which of secret, expiry and token changed", () =>
    Effect.gen(function*() {
      for (
        const [first, second, expected] of [
          [{}, {}, [false, false, false]],
          [{}, { client_secret: "secret-2" }, [true, false, false]],
          [{}, { client_secret_expires_at: 9 }, [false, true, false]],
          [{ registration_access_token: "token-2" }, {}, [false, false, true]],
          // Changed by the read, and there and back.
          [{ client_secret: "secret-2" }, { client_secret: "secret-1-canary" }, [false, false, false]]
        ] as const
      ) {
        const http = recordedHttpClient(ok({ ...info, ...first }), ok({ ...info, ...first, ...second }))
        const { client: after, isExpiryNew, isSecretNew, isTokenNew } = yield* ClientConfiguration.rotate(client).pipe(
          over(http)
        )
        assert.deepStrictEqual([isSecretNew, isExpiryNew, isTokenNew], [...expected])
        assert.deepStrictEqual(http.requests.map(({ method }) => method), ["GET", "PUT"])
        assert.strictEqual(values(after).token, "registration_access_token" in first ? "token-2" : "token-1-canary")
      }
    }))

  it.effect("does not delete the metadata at a server that returns none", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok({ client_id: "client-1" }))
      yield* ClientConfiguration.rotate(client).pipe(over(http))
      assert.deepStrictEqual(bodyOf(http, 1), { client_id: "client-1", ...client.requested })
      // An update sends what it is told to.
      yield* ClientConfiguration.update(client, { set: { client_name: "a" } }).pipe(over(http))
      assert.deepStrictEqual(bodyOf(http, 3), { client_id: "client-1", client_name: "a" })
    }))
})

describe("rotation", () => {
  it.effect("of token and secret replaces the old ones in one step, from a read too", () =>
    Effect.gen(function*() {
      const elsewhere = "https://management.example.net/1"
      const http = recordedHttpClient(
        ok({
          ...info,
          client_secret: "secret-2",
          client_secret_expires_at: 7,
          registration_access_token: "token-2",
          registration_client_uri: elsewhere
        }),
        ok(info)
      )
      const read = yield* ClientConfiguration.read(client).pipe(over(http))
      assert.deepStrictEqual(values(read), { secret: "secret-2", token: "token-2", expires: 7, uri: elsewhere })
      yield* ClientConfiguration.read(read).pipe(over(http))
      assert.strictEqual(sent(http)[1], `GET ${elsewhere} Bearer token-2`)
    }))
})

describe("ClientConfiguration.remove", () => {
  const reset: Reply = { fails: Object.assign(new Error("read"), { code: "ECONNRESET" }) }

  it.effect("takes any status of success", () =>
    Effect.gen(function*() {
      for (const status of [204, 200, 202]) {
        const http = recordedHttpClient({ status })
        yield* ClientConfiguration.remove(client).pipe(over(http))
        assert.deepStrictEqual(sent(http), [`DELETE ${uri} Bearer token-1-canary`])
      }
    }))

  it.effect("after an unknown outcome a client that is not there was deleted", () =>
    Effect.gen(function*() {
      for (const status of [401, 404, 410, 204]) {
        const http = recordedHttpClient(reset, { status })
        yield* ClientConfiguration.remove(client).pipe(over(http))
        assert.strictEqual(http.requests.length, 2)
      }
    }))

  it.effect("without one it is a failure, unless the caller knows of one", () =>
    Effect.gen(function*() {
      for (const [status, tag] of [[401, "Unauthorized"], [404, "Unsupported"], [410, "UnexpectedStatus"]] as const) {
        yield* ClientConfiguration.remove(client).pipe(over(recordedHttpClient({ status })), failsWith(tag))
        yield* ClientConfiguration.remove(client, { wasTried: true }).pipe(over(recordedHttpClient({ status })))
      }
      yield* ClientConfiguration.remove(client, { wasTried: true }).pipe(
        over(recordedHttpClient({ status: 405 })),
        failsWith("Unsupported")
      )
      yield* ClientConfiguration.remove(client, { wasTried: true }).pipe(
        over(recordedHttpClient({ status: 403 })),
        failsWith("Unauthorized")
      )
    }))

  it.effect("a success that says that it is an error is a failure", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient({ status: 200, body: { error: "access_denied" } })
      const { reason } = yield* ClientConfiguration.remove(client).pipe(over(http), failsWith("OAuthError"))
      assert.strictEqual(reason.error, "access_denied")
      yield* ClientConfiguration.remove(client).pipe(over(recordedHttpClient({ status: 200, body: { deleted: true } })))
    }))

  it.effect("stays unknown when the second attempt finds nothing out", () =>
    Effect.gen(function*() {
      for (
        const second of [
          reset,
          { fails: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) },
          { status: 429, headers: { "retry-after": "3600" } },
          { status: 429 },
          { status: 500, body: { error: "server_error" } },
          { status: 503 }
        ]
      ) {
        const http = recordedHttpClient(reset, second)
        yield* ClientConfiguration.remove(client).pipe(
          Effect.provide(RetryPolicy.layerNone),
          over(http),
          failsWith("OutcomeUnknown")
        )
        assert.strictEqual(http.requests.length, 2)
      }
    }))
})

describe("the credential", () => {
  it.effect("may be the caller's own, fetched once per operation, and is kept out of every text", () =>
    Effect.gen(function*() {
      let fetched = 0
      const credential = Effect.sync(() => Redacted.make(`own-canary-${++fetched}`))
      const http = recordedHttpClient(ok({ ...info, registration_access_token: "token-2" }))
      yield* ClientConfiguration.update(client, {}, { credential }).pipe(over(http))
      assert.deepStrictEqual(sent(http), [`GET ${uri} Bearer own-canary-1`, `PUT ${uri} Bearer own-canary-1`])
      const echo = recordedHttpClient({
        status: 401,
        body: { error: "invalid_token", error_description: "own-canary-2?" }
      })
      const { error } = yield* ClientConfiguration.read(clientOf({ registration_access_token: undefined }), {
        credential
      }).pipe(over(echo), failsWith("Unauthorized"))
      assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "canary")
      assert.strictEqual(fetched, 2)
    }))

  it.effect("that fails leaves nothing done", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok(info))
      const failure = yield* Effect.flip(
        ClientConfiguration.rotate(client, { credential: Effect.fail("no token" as const) }).pipe(over(http))
      )
      assert.strictEqual(failure, "no token")
      assert.strictEqual(http.requests.length, 0)
    }))

  it.effect("that no header can hold is not sent and not quoted", () =>
    Effect.gen(function*() {
      for (const odd of ["canary\r\nx: y", "canary\u0000", "", " canary", "canary é"]) {
        const http = recordedHttpClient(ok(info))
        const own = yield* ClientConfiguration.read(client, { credential: Redacted.make(odd) }).pipe(
          over(http),
          failsWith("InvalidOptions")
        )
        const given = yield* ClientConfiguration.read(clientOf({ registration_access_token: odd })).pipe(
          over(http),
          failsWith("Unsupported")
        )
        assert.strictEqual(http.requests.length, 0)
        for (const { error } of [own, given]) assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "canary")
      }
    }))

  it.effect("is not fetched where there is nothing to manage", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok(info))
      const credential = Effect.die("fetched")
      for (const operation of [ClientConfiguration.read, ClientConfiguration.rotate, ClientConfiguration.remove]) {
        const { error, reason } = yield* operation(clientOf({ registration_client_uri: undefined }), { credential })
          .pipe(
            over(http),
            Effect.asVoid,
            failsWith("Unsupported")
          )
        assert.strictEqual(reason.feature, "registration_client_uri")
        assert.strictEqual(error.clientId, "client-1")
      }
      const { reason } = yield* ClientConfiguration.read(clientOf({ registration_access_token: undefined })).pipe(
        over(http),
        failsWith("Unsupported")
      )
      assert.strictEqual(reason.feature, "registration_access_token")
      assert.strictEqual(http.requests.length, 0)
    }))

  it.effect("goes to https only, and where the policy lets it", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok(info))
      const refused = (registration_client_uri: string) =>
        ClientConfiguration.read(clientOf({ registration_client_uri })).pipe(over(http), failsWith("EndpointRefused"))
      yield* refused("http://op.example.com/clients/1")
      yield* refused("ftp://op.example.com/clients/1")
      yield* refused("https://user:password@op.example.com/clients/1")
      yield* ClientConfiguration.read(clientOf({ registration_client_uri: "https://elsewhere.example/1" })).pipe(
        Effect.provide(
          EndpointPolicy.layer(EndpointPolicy.allowHosts(EndpointPolicy.httpsOrLoopback, ["op.example.com"]))
        ),
        over(http),
        failsWith("EndpointRefused")
      )
      assert.strictEqual(http.requests.length, 0)
      const loopback = recordedHttpClient(ok(info))
      const local = clientOf({ registration_client_uri: "http://127.0.0.1:1/c" }, undefined, "http://127.0.0.1:1")
      yield* ClientConfiguration.read(local).pipe(over(loopback))
      const insecure = recordedHttpClient(ok(info))
      yield* ClientConfiguration.read(clientOf({ registration_client_uri: "http://op.example.com/c" }), {
        dangerouslyAllowInsecureRequests: true
      }).pipe(over(insecure))
      assert.strictEqual(loopback.requests.length + insecure.requests.length, 2)
    }))

  it.effect("follows no redirect with the token", () =>
    Effect.gen(function*() {
      for (const status of [301, 302, 303, 307, 308]) {
        for (const location of ["https://evil.example.com/", "/clients/2"]) {
          for (
            const operation of [
              ClientConfiguration.read(client),
              ClientConfiguration.replace(client, {}),
              ClientConfiguration.update(client, {}),
              ClientConfiguration.remove(client)
            ]
          ) {
            const http = recordedHttpClient({ status, headers: { location } }, ok(info))
            yield* Effect.asVoid(operation).pipe(over(http), failsWith("RedirectRefused"))
            assert.deepStrictEqual(http.requests.map(({ url }) => url), [uri])
          }
        }
      }
    }))

  it.effect("may be bound to a key, and then needs a signer", () =>
    Effect.gen(function*() {
      const http = recordedHttpClient(ok(info))
      yield* ClientConfiguration.read(client, { credentialType: "DPoP" }).pipe(over(http), failsWith("InvalidOptions"))
      assert.strictEqual(http.requests.length, 0)
    }))
})

describe("at a server", () => {
  const onServer = (options?: TestAuthorizationServer.Options) => Effect.provide(TestAuthorizationServer.layer(options))

  const register = Effect.gen(function*() {
    const server = yield* TestAuthorizationServer.TestAuthorizationServer
    return yield* ClientRegistration.register(server.metadata(), { redirect_uris: info.redirect_uris })
  })

  it.effect("a relative URI is resolved, reported, and used", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      yield* server.misbehave("relative-registration-client-uri")
      const registered = yield* register
      assert.deepStrictEqual(registered.deviations.map(({ id }) => id), ["relative-registration-client-uri"])
      assert.strictEqual(
        registered.information.registration_client_uri,
        `https://op.example.com/register/${registered.information.client_id}`
      )
      const read = yield* ClientConfiguration.read(registered)
      assert.deepStrictEqual(read.deviations.map(({ id }) => id), ["relative-registration-client-uri"])
      yield* ClientConfiguration.remove(read)
      assert.deepStrictEqual(yield* server.clients, [])
    }).pipe(onServer()))

  it.effect("everything rotates at every step, and nothing is lost", () =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      let current = yield* register
      for (let round = 0; round < 3; round++) {
        current = yield* ClientConfiguration.read(current)
        current = yield* ClientConfiguration.update(current, { set: { client_name: `Round ${round}` } })
        const rotation = yield* ClientConfiguration.rotate(current)
        assert.isTrue(rotation.isSecretNew && rotation.isTokenNew)
        current = rotation.client
        const [known] = yield* server.clients
        assert.isTrue(isSame(current.information.client_secret, known?.secret))
        assert.isTrue(isSame(current.information.registration_access_token, known?.registrationAccessToken))
      }
      yield* ClientConfiguration.remove(current)
      yield* ClientConfiguration.read(current).pipe(failsWith("Unauthorized"))
    }).pipe(onServer({ rotateToken: "read-and-update", rotateSecret: "read-and-update" })))

  it.effect("each operation is one span, which holds no secret", () =>
    Effect.gen(function*() {
      const { spans, tracer } = recordSpans()
      const registered = yield* register
      yield* Effect.gen(function*() {
        const read = yield* ClientConfiguration.read(registered)
        const updated = yield* ClientConfiguration.update(read, { set: { client_name: "a" } })
        const replaced = yield* ClientConfiguration.replace(updated, {})
        const { client } = yield* ClientConfiguration.rotate(replaced)
        yield* ClientConfiguration.remove(client)
        yield* Effect.flip(ClientConfiguration.read(client))
      }).pipe(Effect.withTracer(tracer))
      const own = spans.filter(({ name }) => name.startsWith("ClientConfiguration."))
      assert.deepStrictEqual(
        own.map((
          { attributes, name }
        ) => [name.slice(20), attributes.get("dcr.attempts"), attributes.get("error.type")]),
        [
          ["read", 1, undefined],
          ["update", 2, undefined],
          ["replace", 1, undefined],
          ["rotate", 2, undefined],
          ["remove", 1, undefined],
          ["read", 1, "Unauthorized"]
        ]
      )
      const secrets = [values(registered).secret ?? "", values(registered).token ?? ""]
      const shown = JSON.stringify(
        spans.map(({ attributes, events, name }) => [name, [...attributes], events]),
        (_, value) => typeof value === "bigint" ? String(value) : unchecked<unknown>(value)
      )
      for (const secret of secrets) assert.notInclude(shown, secret)
    }).pipe(onServer()))
})
