/**
 * Answers of success that depart from the specifications although they create or describe a client, and ones that are
 * within the specifications but not what was asked.
 *
 * @internal
 */
import { answerMembers } from "../../../ClientInformation.ts"
import { type JsonObject } from "../../../internal/answer.ts"
import type { Reply } from "../reply.ts"
import { bodyOf } from "../reply.ts"
import { changeGranted, changeMembers, changeReply, definitions, setAll, without } from "./plan.ts"

const define = definitions("success")

const withType = (reply: Reply, type: string): Reply => ({
  ...reply,
  headers: { ...reply.headers, "content-type": type }
})

const withText = (text: string) => (reply: Reply): Reply => ({ ...reply, members: undefined, text })

const set = (members: JsonObject) => changeMembers((found) => ({ ...found, ...members }))

const leaveOut = (...names: ReadonlyArray<string>) => changeMembers((members) => without(members, names))

const words = (scope: unknown): ReadonlyArray<string> => typeof scope === "string" ? scope.split(" ") : []

export const success = {
  "status-200": define("status 200 where another is due", changeReply((reply) => ({ ...reply, status: 200 }))),
  "status-202": define("status 202 where another is due", changeReply((reply) => ({ ...reply, status: 202 }))),
  "content-type-text": define("JSON as text/plain", changeReply((reply) => withType(reply, "text/plain"))),
  "content-type-vendor": define(
    "JSON with a vendor's +json type",
    changeReply((reply) => withType(reply, "application/vnd.example.client+json"))
  ),
  "content-type-missing": define(
    "JSON without a content type",
    changeReply((reply) => ({ ...reply, headers: omit(reply.headers, "content-type") }))
  ),
  cacheable: define(
    "credentials without Cache-Control: no-store",
    changeReply((reply) => ({ ...reply, headers: omit(omit(reply.headers, "cache-control"), "pragma") }))
  ),

  "no-client-id": define("no client_id", leaveOut("client_id")),
  "client-id-null": define("client_id is null", set({ client_id: null })),
  "client-id-number": define(
    "client_id is a number",
    set({ client_id: 4711 })
  ),
  "empty-body": define("no body at all", changeReply(withText(""))),
  "not-json": define("a body that is not JSON", changeReply(withText("client registered"))),
  "json-array": define(
    "a JSON array around the object",
    changeReply((reply) => withText(`[${bodyOf(reply)}]`)(reply))
  ),
  "deep-json": define(
    "a member nested so deeply that recursion fails",
    changeReply((reply) =>
      withText(bodyOf(reply).replace(/}$/, `,"deep":${"[".repeat(100_000)}${"]".repeat(100_000)}}`))(reply)
    )
  ),
  "proto-member": define(
    "a member named __proto__",
    changeReply((reply) => withText(bodyOf(reply).replace(/^{/, "{\"__proto__\":{\"polluted\":true},"))(reply))
  ),
  "byte-order-mark": define(
    "a byte order mark before the JSON",
    changeReply((reply) => withText(`\ufeff${bodyOf(reply)}`)(reply))
  ),

  "secret-null": define("client_secret is null", set({ client_secret: null })),
  "secret-empty": define("client_secret is empty", set({ client_secret: "" })),
  "no-secret": define(
    "no client_secret, although the method needs one",
    leaveOut("client_secret", "client_secret_expires_at")
  ),
  "needless-secret": define(
    "a client_secret for a client that authenticates without one",
    set({ client_secret: "needless-secret-of-a-public-client", client_secret_expires_at: 0 })
  ),
  "no-secret-expiry": define("no client_secret_expires_at beside a secret", leaveOut("client_secret_expires_at")),
  "secret-expiry-null": define("client_secret_expires_at is null", set({ client_secret_expires_at: null })),
  "secret-expiry-string": define("client_secret_expires_at is \"0\"", set({ client_secret_expires_at: "0" })),
  "secret-expiry-milliseconds": define(
    "client_secret_expires_at in milliseconds, 30 days from now",
    changeMembers((members, { now }) => ({
      ...members,
      client_secret_expires_at: timeAsMilliseconds(now) + 30 * 86_400_000
    }))
  ),
  "secret-expiry-past": define(
    "client_secret_expires_at one second before now",
    changeMembers((members, { now }) => ({ ...members, client_secret_expires_at: Math.floor(now / 1000) - 1 }))
  ),
  "issued-at-milliseconds": define(
    "client_id_issued_at in milliseconds",
    changeMembers((members, { now }) => ({ ...members, client_id_issued_at: timeAsMilliseconds(now) }))
  ),

  "null-members": define<{
    /** Default: `contacts` and `tos_uri`. */
    readonly members?: ReadonlyArray<string>
  }>(
    "members that are null instead of left out",
    ({ members = ["contacts", "tos_uri"] }) => changeMembers((found) => setAll(found, members, null))
  ),
  "empty-members": define<{
    /** Default: `logo_uri` and `client_uri`. */
    readonly members?: ReadonlyArray<string>
  }>(
    "members that are empty instead of left out",
    ({ members = ["logo_uri", "client_uri"] }) => changeMembers((found) => setAll(found, members, ""))
  ),
  "missing-members": define<{
    /** Default: `client_name`. */
    readonly members?: ReadonlyArray<string>
  }>(
    "registered members that are not returned",
    ({ members = ["client_name"] }) => changeMembers((found) => without(found, members))
  ),
  "changed-members": define<{
    /** Default: `client_name` has another value. */
    readonly members?: JsonObject
  }>(
    "members with any value that the test wants, in the answer only",
    ({ members = { client_name: "renamed by the server" } }) => set(members)
  ),
  "wrong-types": define(
    "members of the wrong type: a list as a string, a number, a boolean and a time as strings, an object as a name",
    changeMembers((members) => ({
      ...members,
      ...(Array.isArray(members["redirect_uris"]) ? { redirect_uris: members["redirect_uris"].join(" ") } : undefined),
      client_id_issued_at: String(members["client_id_issued_at"]),
      default_max_age: "3600",
      require_auth_time: "true",
      client_name: { text: "an object" }
    }))
  ),
  "no-echo": define(
    "none of the metadata in the answer",
    changeMembers((members) =>
      Object.fromEntries(Object.entries(members).filter(([name]) => Object.hasOwn(answerMembers, name)))
    )
  ),
  "no-scope": define("no scope in the answer", leaveOut("scope")),
  "no-redirect-uris": define("no redirect_uris in the answer", leaveOut("redirect_uris")),
  "scope-array": define(
    "scope is a list",
    changeMembers((members) => ({ ...members, scope: words(members["scope"]) }))
  ),
  "unknown-application-type": define("application_type is \"service\"", set({ application_type: "service" })),
  "extra-members": define(
    "members that no specification registers",
    set({ disabled: false, reference_id: "reference-1" })
  ),
  "secrets-in-members": define(
    "the credentials repeated in members where nobody expects them",
    changeMembers((members) => ({
      ...members,
      client_name: { secret: members["client_secret"] },
      contacts: members["client_secret"],
      logo_uri: [members["registration_access_token"]],
      debug: { client_secret: members["client_secret"], token: members["registration_access_token"] }
    }))
  ),

  "relative-registration-client-uri": define(
    "registration_client_uri without scheme and host",
    changeMembers((members) => {
      const uri = members["registration_client_uri"]
      return typeof uri === "string"
        ? { ...members, registration_client_uri: uri.slice(new URL(uri).origin.length) }
        : members
    })
  ),
  "no-registration-client-uri": define(
    "a registration_access_token without registration_client_uri",
    leaveOut("registration_client_uri")
  ),
  "no-registration-access-token": define(
    "a registration_client_uri without registration_access_token",
    leaveOut("registration_access_token")
  ),
  "foreign-registration-client-uri": define(
    "registration_client_uri at another host",
    set({ registration_client_uri: "https://elsewhere.example/clients/1" })
  ),
  "other-client-id": define("the client_id of another client", set({ client_id: "another-client" }), [
    "read",
    "update"
  ]),
  "changed-software-statement": define(
    "another software_statement than the one sent",
    changeMembers((members) =>
      typeof members["software_statement"] === "string"
        ? { ...members, software_statement: `${members["software_statement"]}x` }
        : members
    )
  ),
  "no-software-statement": define("the software_statement is not returned", leaveOut("software_statement")),

  "replaced-redirect-uris": define(
    "another redirect URI registered than asked for",
    changeGranted((metadata) => ({ ...metadata, redirect_uris: ["https://replaced.example/cb"] })),
    ["register", "update"]
  ),
  "widened-scope": define(
    "more scope registered than asked for",
    changeGranted((metadata) => ({ ...metadata, scope: [...words(metadata["scope"]), "admin"].join(" ") })),
    ["register", "update"]
  ),
  "dropped-scope": define(
    "the last of the scope values not registered",
    changeGranted((metadata) => {
      const kept = words(metadata["scope"]).slice(0, -1)
      return kept.length === 0 ? without(metadata, ["scope"]) : { ...metadata, scope: kept.join(" ") }
    }),
    ["register", "update"]
  ),
  "rewritten-grant-types": define(
    "refresh_token added to the grant types",
    changeGranted((metadata) => ({
      ...metadata,
      grant_types: [...new Set([...list(metadata["grant_types"]), "refresh_token"])]
    })),
    ["register", "update"]
  ),
  "other-auth-method": define<{
    /** Default: `client_secret_post`. */
    readonly method?: string
  }>(
    "another token_endpoint_auth_method registered than asked for",
    ({ method = "client_secret_post" }) =>
      changeGranted((metadata) => ({ ...metadata, token_endpoint_auth_method: method })),
    ["register", "update"]
  ),
  "unknown-members-kept": define(
    "members that nobody registers are registered and returned",
    { tweak: { unknownMembers: "keep" } },
    ["register", "update"]
  ),
  "odd-credentials": define(
    "a client_id and a client_secret with /, %, +, spaces and the marks of a query",
    { tweak: { oddCredentials: true } },
    ["register"]
  )
} as const

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const list = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []

/** Under a test clock that starts at 0, milliseconds would look like seconds. */
const timeAsMilliseconds = (now: number): number => Math.max(now, 1_700_000_000_000)

const omit = (headers: Reply["headers"], name: string): Reply["headers"] =>
  Object.fromEntries(Object.entries(headers).filter(([found]) => found !== name))
