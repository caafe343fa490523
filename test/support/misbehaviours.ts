/** What this SDK is to make of each misbehaviour of the test server. The table is the test's, and that of the conformance page. */
import {
  AuthorizationServer,
  ClientConfiguration,
  ClientMetadata,
  ClientRegistration,
  type Deviation,
  DpopSigner,
  type RegisteredClient,
  type RegistrationError
} from "@effect-dcr/core"
import type * as Misbehaviour from "@effect-dcr/core/testing/Misbehaviour"
import * as TestAuthorizationServer from "@effect-dcr/core/testing/TestAuthorizationServer"
import { DateTime, Duration, Effect, Option, Redacted } from "effect"
import { SignJWT } from "jose"

export const issuer = "https://op.example.com"

export const metadata: ClientMetadata.ClientMetadata = {
  redirect_uris: ["https://app.example.com/cb"],
  client_name: "My app",
  contacts: ["ops@app.example.com"],
  client_uri: "https://app.example.com",
  logo_uri: "https://app.example.com/logo.png",
  tos_uri: "https://app.example.com/tos",
  scope: "read write"
}

// -----------------------------------------------------------------------------
// what is done with a misbehaving server
// -----------------------------------------------------------------------------

export const scenarios = {
  register: (asked: ClientMetadata.ClientMetadata) =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      return yield* ClientRegistration.register(server.metadata(issuer), asked, {
        initialAccessToken: Redacted.make("initial-token")
      })
    }),
  registerBound: (asked: ClientMetadata.ClientMetadata) =>
    Effect.gen(function*() {
      const server = yield* TestAuthorizationServer.TestAuthorizationServer
      const { thumbprint } = yield* DpopSigner.DpopSigner
      return yield* ClientRegistration.register(server.metadata(issuer), asked, {
        initialAccessToken: yield* server.issueInitialAccessToken({ thumbprint: Option.getOrUndefined(thumbprint) }),
        initialAccessTokenType: "DPoP"
      })
    }),
  read: (asked: ClientMetadata.ClientMetadata) =>
    Effect.gen(function*() {
      return yield* ClientConfiguration.read(yield* scenarios.register(asked))
    }),
  update: (asked: ClientMetadata.ClientMetadata) =>
    Effect.gen(function*() {
      return yield* ClientConfiguration.replace(yield* scenarios.register(asked), { set: { client_name: "Renamed" } })
    }),
  remove: (asked: ClientMetadata.ClientMetadata) =>
    Effect.gen(function*() {
      const client = yield* scenarios.register(asked)
      yield* ClientConfiguration.remove(client)
      return client
    }),
  discover: (asked: ClientMetadata.ClientMetadata) =>
    Effect.gen(function*() {
      const server = yield* AuthorizationServer.discover(issuer, { algorithm: "oauth2" })
      return yield* ClientRegistration.register(server, asked, { initialAccessToken: Redacted.make("initial-token") })
    })
}

export type Facts = Record<string, unknown>

export interface Case {
  /** Default: the id alone. */
  readonly misbehaviour?: Misbehaviour.Misbehaviour
  /** Default: `register`, or the first operation of the catalogue. */
  readonly scenario?: keyof typeof scenarios
  readonly metadata?: ClientMetadata.ClientMetadata
  readonly options?: TestAuthorizationServer.Options
  readonly signs?: boolean
  /** The ids of the deviations of a registration that succeeded. */
  readonly deviations?: ReadonlyArray<Deviation.DeviationId>
  /** Members of the reason of a failure. */
  readonly reason?: Facts
  /** What else is true of the client. */
  readonly client?: (client: RegisteredClient.RegisteredClient) => Facts
  /** What else is true of the error. */
  readonly error?: (error: RegistrationError.RegistrationError) => Facts
  /** What `client` or `error` is to give. */
  readonly is?: Facts
  /** `false` when it is on and has nothing to change. */
  readonly takesPart?: false
  /** How many clients the server has afterwards: it tells before from after processing. Default: 1 on success. */
  readonly clients?: number
}

const fails = (reason: Facts, clients = 0): Case => ({ reason, clients })

const departs = (...deviations: ReadonlyArray<Deviation.DeviationId>): Case => ({ deviations })

const differences = ({ differences }: RegisteredClient.RegisteredClient): Facts => ({
  replaced: differences.replaced.map((difference) => difference.member),
  dropped: differences.dropped.map((difference) => difference.member)
})

export const statementSecret = "a secret of at least 32 bytes, for HS256"

export const statement = await new SignJWT({ iss: "https://vendor.example" }).setProtectedHeader({ alg: "HS256" })
  .sign(new TextEncoder().encode(statementSecret))

const withStatement: Case = { metadata: { ...metadata, software_statement: statement } }

// -----------------------------------------------------------------------------
// misbehaviour -> what our client makes of it
// -----------------------------------------------------------------------------

export const cases: Readonly<Record<Misbehaviour.MisbehaviourId, Case | ReadonlyArray<Case>>> = {
  "status-200": departs("status"),
  "status-202": departs("status"),
  "content-type-text": departs("content-type"),
  "content-type-vendor": departs("content-type"),
  "content-type-missing": departs("content-type"),
  cacheable: departs("cacheable"),

  "no-client-id": fails({ _tag: "UnusableAnswer", problem: "MissingClientId" }, 1),
  "client-id-null": fails({ _tag: "UnusableAnswer", problem: "MissingClientId" }, 1),
  "client-id-number": {
    ...departs("repaired-member"),
    client: (client) => ({ id: client.information.client_id }),
    is: { id: "4711" }
  },
  "empty-body": fails({ _tag: "UnusableAnswer", problem: "Empty" }, 1),
  "not-json": fails({ _tag: "UnusableAnswer", problem: "NotJson" }, 1),
  "json-array": fails({ _tag: "UnusableAnswer", problem: "NotAnObject" }, 1),
  "deep-json": departs("malformed-member"),
  "proto-member": {
    ...departs(),
    client: (client) => ({
      extension: Object.keys(client.extensions),
      polluted: Reflect.get(client.information, "polluted")
    }),
    is: { extension: ["__proto__"], polluted: undefined }
  },
  "byte-order-mark": departs(),

  "secret-null": departs("null-member", "missing-secret"),
  "secret-empty": departs("empty-member", "missing-secret"),
  "no-secret": departs("missing-secret"),
  "needless-secret": {
    ...departs("needless-secret"),
    metadata: { ...metadata, token_endpoint_auth_method: "none" }
  },
  "no-secret-expiry": departs("missing-secret-expiry"),
  "secret-expiry-null": departs("null-member", "missing-secret-expiry"),
  "secret-expiry-string": {
    ...departs("repaired-member"),
    client: (client) => ({ expires: client.information.client_secret_expires_at }),
    is: { expires: 0 }
  },
  "secret-expiry-milliseconds": {
    ...departs("milliseconds"),
    client: (client) => ({ expires: client.information.client_secret_expires_at }),
    is: { expires: 1_700_000_000 + 30 * 86_400 }
  },
  "secret-expiry-past": departs("expired-secret"),
  "issued-at-milliseconds": departs("milliseconds"),

  "null-members": departs("null-member", "null-member"),
  "empty-members": departs("empty-member", "empty-member"),
  "missing-members": { ...departs(), client: differences, is: { replaced: [], dropped: ["client_name"] } },
  "changed-members": { ...departs(), client: differences, is: { replaced: ["client_name"], dropped: [] } },
  "wrong-types": {
    ...departs("repaired-member", "repaired-member", "repaired-member", "repaired-member", "malformed-member"),
    client: ({ information }) => ({
      redirect_uris: information.redirect_uris,
      age: information.default_max_age,
      auth: information.require_auth_time,
      issued: information.client_id_issued_at,
      name: information.client_name
    }),
    is: { redirect_uris: metadata.redirect_uris, age: 3600, auth: true, issued: 0, name: undefined }
  },
  "no-echo": {
    ...departs(),
    client: (client) => ({ assumed: client.differences.assumed, dropped: client.differences.dropped }),
    is: { assumed: true, dropped: [] }
  },
  "no-scope": { ...departs(), client: differences, is: { replaced: [], dropped: ["scope"] } },
  "no-redirect-uris": {
    ...departs("dropped-redirect-uri"),
    client: differences,
    is: { replaced: [], dropped: ["redirect_uris"] }
  },
  "scope-array": { ...departs("repaired-member"), client: differences, is: { replaced: [], dropped: [] } },
  "unknown-application-type": {
    ...departs(),
    client: (client) => ({ type: client.information.application_type }),
    is: { type: "service" }
  },
  "extra-members": {
    ...departs(),
    client: (client) => client.extensions,
    is: { disabled: false, reference_id: "reference-1" }
  },
  "secrets-in-members": {
    ...departs("repeated-secret", "repeated-secret", "repeated-secret"),
    client: (client) => {
      const secrets = [client.information.client_secret, client.information.registration_access_token]
        .filter((secret) => secret !== undefined).map(Redacted.value)
      const printed = JSON.stringify(client)
      return { secrets: secrets.length, printed: secrets.filter((secret) => printed.includes(secret)) }
    },
    is: { secrets: 2, printed: [] }
  },

  "relative-registration-client-uri": {
    ...departs("relative-registration-client-uri"),
    client: (client) => ({
      ours: client.information.registration_client_uri?.startsWith(`${issuer}/register/`)
    }),
    is: { ours: true }
  },
  "no-registration-client-uri": departs("missing-registration-client-uri"),
  "no-registration-access-token": departs("missing-registration-access-token"),
  "foreign-registration-client-uri": departs(),
  "other-client-id": {
    ...fails({ _tag: "UnusableAnswer", problem: "OtherClient" }, 1),
    scenario: "read"
  },
  "changed-software-statement": { ...withStatement, ...departs("changed-software-statement") },
  "no-software-statement": { ...withStatement, ...departs("changed-software-statement") },

  "replaced-redirect-uris": {
    ...departs("dropped-redirect-uri"),
    client: differences,
    is: { replaced: ["redirect_uris"], dropped: [] }
  },
  "widened-scope": { ...departs(), client: differences, is: { replaced: ["scope"], dropped: [] } },
  "dropped-scope": { ...departs(), client: differences, is: { replaced: ["scope"], dropped: [] } },
  "rewritten-grant-types": {
    ...departs(),
    metadata: { ...metadata, grant_types: ["authorization_code"] },
    client: differences,
    is: { replaced: ["grant_types"], dropped: [] }
  },
  "other-auth-method": [
    {
      ...departs(),
      metadata: { ...metadata, token_endpoint_auth_method: "client_secret_basic" },
      client: differences,
      is: { replaced: ["token_endpoint_auth_method"], dropped: [] }
    },
    {
      ...departs(),
      misbehaviour: { id: "other-auth-method", method: "none" },
      client: (client) => ({ secret: client.information.client_secret }),
      is: { secret: undefined }
    }
  ],
  "unknown-members-kept": {
    ...departs(),
    metadata: ClientMetadata.withExtensions(metadata, { software_colour: "green" }),
    client: (client) => client.extensions,
    is: { software_colour: "green" }
  },
  "odd-credentials": [
    {
      ...departs(),
      client: (client) => ({ id: client.information.client_id.slice(0, 10) }),
      is: { id: "/%2F +=&?#" }
    },
    // the URI is encoded, so the client can still be read
    { ...departs(), scenario: "read" }
  ],

  "error-code": [
    fails({ _tag: "OAuthError", status: 400, error: "invalid_request" }),
    ...["invalid_scope", "access_denied", "too_many_requests", "server_error", "invalid_token"].map((error) => ({
      misbehaviour: { id: "error-code", error } as const,
      ...fails({ _tag: "OAuthError", status: 400, error })
    })),
    {
      misbehaviour: { id: "error-code", error: "invalid_token", status: 401, description: "expired" },
      ...fails({ _tag: "Unauthorized", status: 401, error: "invalid_token", error_description: "expired" })
    }
  ],
  "error-message-only": fails({ _tag: "UnexpectedStatus", status: 400, excerpt: "the metadata is not accepted" }),
  "error-code-member-only": fails({ _tag: "UnexpectedStatus", status: 400, excerpt: "INVALID_METADATA" }),
  "error-description-only": fails({ _tag: "UnexpectedStatus", status: 400, excerpt: "the metadata is not accepted" }),
  "error-html": fails({ _tag: "UnexpectedStatus", status: 500, excerpt: undefined }),
  "error-empty": fails({ _tag: "UnexpectedStatus", status: 400, excerpt: undefined }),
  "error-as-text": fails({ _tag: "InvalidClientMetadata", error_description: "said as text" }),
  "error-text-as-json": fails({ _tag: "UnexpectedStatus", status: 400, excerpt: "the metadata is not accepted" }),
  "error-multiline": fails({
    _tag: "InvalidClientMetadata",
    error_description: "first line INFO forged log line third line"
  }),
  "error-with-status-200": fails({ _tag: "InvalidClientMetadata", status: 200 }),
  "error-echoing-credentials": {
    ...fails({ _tag: "InvalidClientMetadata" }),
    error: (error) => ({ leaked: JSON.stringify(error).includes("initial-token") }),
    is: { leaked: false }
  },
  "invalid-redirect-uri": fails({ _tag: "InvalidRedirectUri", status: 400 }),
  "invalid-client-metadata": fails({ _tag: "InvalidClientMetadata", status: 400 }),
  "invalid-software-statement": fails({ _tag: "InvalidSoftwareStatement", status: 400 }),
  "unapproved-software-statement": fails({ _tag: "UnapprovedSoftwareStatement", status: 400 }),
  "unknown-members-refused": {
    ...fails({ _tag: "InvalidClientMetadata" }),
    metadata: ClientMetadata.withExtensions(metadata, { software_colour: "green" })
  },
  "server-error": fails({ _tag: "OAuthError", status: 500, error: "server_error" }),
  unavailable: fails({ _tag: "UnexpectedStatus", status: 503 }),
  "rate-limited": [
    {
      ...fails({ _tag: "RateLimited", status: 429 }),
      error: (error) => ({ wait: Duration.toSeconds(error.retryAfter ?? 0), again: error.isSafeToRepeat }),
      is: { wait: 60, again: true }
    },
    {
      misbehaviour: { id: "rate-limited", status: 503, retryAfter: 90, format: "date" },
      ...fails({ _tag: "RateLimited", status: 503 }),
      error: (error) => ({ wait: Duration.toSeconds(error.retryAfter ?? 0) }),
      is: { wait: 90 }
    },
    {
      misbehaviour: { id: "rate-limited", retryAfter: undefined },
      ...fails({ _tag: "RateLimited", status: 429, retryAfter: undefined })
    }
  ],
  "not-found": fails({ _tag: "Unsupported", feature: "registration_endpoint" }),
  "method-not-allowed": fails({ _tag: "Unsupported", feature: "registration_endpoint" }),
  "unauthorized-without-challenge": fails({ _tag: "Unauthorized", status: 401, challenges: [] }),
  "unauthorized-bare-bearer": fails({
    _tag: "Unauthorized",
    status: 401,
    challenges: [{ scheme: "Bearer", parameters: {} }]
  }),
  "unauthorized-several-challenges": fails({
    _tag: "Unauthorized",
    challenges: [
      { scheme: "Basic", parameters: { realm: "a, b" } },
      { scheme: "Bearer", parameters: { error: "invalid_token", error_description: "expired, \"gone\"" } },
      { scheme: "Negotiate", token68: "dG9rZW4=", parameters: {} }
    ]
  }),
  forbidden: fails({ _tag: "Unauthorized", status: 403 }),
  "dpop-scheme-refused": {
    ...fails({ _tag: "OAuthError", error: "invalid_request" }),
    scenario: "registerBound",
    signs: true
  },
  "nonce-without-value": { ...fails({ _tag: "NonceExhausted", nonce: undefined }), signs: true },
  "nonce-forever": {
    ...fails({ _tag: "NonceExhausted" }),
    signs: true,
    error: ({ reason }) => ({ nonce: reason._tag === "NonceExhausted" && typeof reason.nonce === "string" }),
    is: { nonce: true }
  },
  "nonce-among-challenges": { ...fails({ _tag: "NonceExhausted", status: 401 }), signs: true },

  "connection-refused": fails({ _tag: "Transport", sent: false }),
  "host-not-found": fails({ _tag: "Transport", sent: false }),
  "certificate-expired": fails({ _tag: "Transport", sent: false }),
  "reset-before-processing": fails({ _tag: "OutcomeUnknown", why: "ConnectionLost" }, 0),
  "reset-after-processing": fails({ _tag: "OutcomeUnknown", why: "ConnectionLost" }, 1),
  "never-answers-before-processing": fails({ _tag: "OutcomeUnknown", why: "Deadline" }, 0),
  "never-answers-after-processing": fails({ _tag: "OutcomeUnknown", why: "Deadline" }, 1),
  "cors-preflight-refused": {
    ...fails({ _tag: "OutcomeUnknown", why: "ConnectionLost" }, 0),
    error: (error) => ({ hint: error.message.includes("CORS") }),
    is: { hint: true }
  },
  "cors-answer-hidden": {
    ...fails({ _tag: "OutcomeUnknown", why: "ConnectionLost" }, 1),
    error: (error) => ({ hint: error.message.includes("CORS") }),
    is: { hint: true }
  },
  "cors-errors-hidden": [
    {
      ...fails({ _tag: "OutcomeUnknown", why: "ConnectionLost" }),
      options: { protected: true, initialAccessTokens: [] }
    },
    { ...departs(), takesPart: false }
  ],
  "cors-headers-hidden": {
    ...fails({ _tag: "Unauthorized", challenges: [] }),
    options: { protected: true, initialAccessTokens: [] }
  },
  drip: [
    fails({ _tag: "OutcomeUnknown", why: "Deadline", status: 201 }, 1),
    { misbehaviour: { id: "drip", interval: "1 millis" }, ...departs() },
    { misbehaviour: { id: "drip", interval: "1 millis", status: 500 }, ...fails({ _tag: "OAuthError", status: 500 }) }
  ],
  stalled: fails({ _tag: "OutcomeUnknown", why: "Deadline", status: 201 }, 1),
  "truncated-body": fails({ _tag: "OutcomeUnknown", why: "UnreadableBody", status: 201 }, 1),
  "never-ends": departs("truncated"),
  "no-last-chunk": [departs("truncated"), { ...departs("truncated"), scenario: "read" }],
  "content-length-too-long": [departs("truncated"), { ...departs("truncated"), scenario: "update" }],
  "content-length-too-short": fails({ _tag: "UnusableAnswer", problem: "NotJson" }, 1),
  "huge-body": [
    fails({ _tag: "OutcomeUnknown", why: "TooLarge", status: 201 }, 1),
    { misbehaviour: { id: "huge-body", declared: true }, ...fails({ _tag: "OutcomeUnknown", why: "TooLarge" }, 1) },
    // within the limit
    { misbehaviour: { id: "huge-body", bytes: 500_000 }, ...departs() },
    { misbehaviour: { id: "huge-body", status: 500 }, ...fails({ _tag: "UnexpectedStatus", status: 500 }) }
  ],
  "many-headers": fails({ _tag: "OutcomeUnknown", why: "ConnectionLost" }, 1),
  redirect: [
    fails({ _tag: "RedirectRefused", status: 307, location: "https://elsewhere.example/register" }),
    ...([301, 302, 303, 307, 308] as const).map((status) => ({
      misbehaviour: { id: "redirect", status, location: "/other?token=1" } as const,
      ...fails({ _tag: "RedirectRefused", status, location: `${issuer}/other` })
    }))
  ],
  "opaque-redirect": fails({ _tag: "RedirectRefused", status: undefined }),
  "followed-redirect": fails({ _tag: "RedirectRefused", location: "https://elsewhere.example/register" }, 1),
  "another-body": [
    fails({ _tag: "UnusableAnswer", problem: "Empty" }),
    {
      misbehaviour: {
        id: "another-body",
        status: 201,
        contentType: "application/json",
        body: "{\"client_id\":\"made-up\"}"
      },
      ...departs("missing-secret"),
      clients: 0
    }
  ],

  "forgets-client": { ...departs(), clients: 0 },
  "short-lived-secret": {
    ...departs(),
    client: (client) => ({
      expires: Option.map(client.secretExpiresAt, DateTime.toEpochMillis)
    }),
    is: { expires: Option.some(30 * 86_400_000) }
  },
  "rotates-token": { ...departs(), scenario: "read" },
  "rotates-secret": { ...departs(), scenario: "read" },
  "lost-rotation": { ...fails({ _tag: "OutcomeUnknown", why: "ConnectionLost" }, 1), scenario: "read" },
  "delete-200": { ...departs(), scenario: "remove", clients: 0 },
  "delete-unsupported": {
    ...fails({ _tag: "Unsupported", feature: "registration_client_uri" }, 1),
    scenario: "remove"
  },

  "other-issuer": fails({ _tag: "DiscoveryFailed" }),
  "issuer-with-slash": fails({ _tag: "DiscoveryFailed" }),
  "no-issuer": fails({ _tag: "DiscoveryFailed" }),
  "no-registration-endpoint": fails({ _tag: "Unsupported", feature: "registration_endpoint" }),
  "insecure-registration-endpoint": fails({ _tag: "EndpointRefused", rule: "InsecureScheme" }),
  "relative-registration-endpoint": fails({ _tag: "EndpointRefused", rule: "InvalidUrl" }),
  // another host is legal; it is a tenant of its own there
  "foreign-registration-endpoint": departs(),
  "malformed-metadata": departs(),
  "changed-metadata": [
    departs(),
    {
      misbehaviour: { id: "changed-metadata", members: { registration_endpoint: null } },
      ...fails({ _tag: "Unsupported" })
    }
  ]
}
