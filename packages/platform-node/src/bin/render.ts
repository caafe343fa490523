/**
 * How a registration, a server and a failure look to a person, and how they look to a script.
 *
 * @internal
 */
import type { AuthorizationServer } from "@effect-dcr/core/AuthorizationServer"
import { isRegistered, type RegisteredClient, shownInformation } from "@effect-dcr/core/RegisteredClient"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { masked } from "./secrets.ts"
import { Reveal } from "./settings.ts"
import { columns, labelled, paragraph, plain, type Style, style, unbroken } from "./style.ts"
import { headlineOf, problemOf } from "./words.ts"

// -----------------------------------------------------------------------------
// a registration
// -----------------------------------------------------------------------------

/** What was granted, with its secrets in the clear. For eyes and files that were asked for, and nothing else. */
export const revealed = ({ information }: RegisteredClient): { readonly [member: string]: unknown } =>
  mapSecrets(information, Redacted.value)

const mapSecrets = (
  { client_secret, registration_access_token, ...information }: RegisteredClient["information"],
  show: (secret: Redacted.Redacted<string>) => string
) => ({
  ...information,
  ...(client_secret === undefined ? undefined : { client_secret: show(client_secret) }),
  ...(registration_access_token === undefined
    ? undefined
    : { registration_access_token: show(registration_access_token) })
})

/** What was granted, its secrets masked also where the server repeated them. */
const concealed = ({ information }: RegisteredClient): { readonly [member: string]: unknown } =>
  mapSecrets(shownInformation(information), () => masked)

/** Nobody knows what a vendor puts into a member, or wants to be put there. */
const maskVendors = (members: object, mask: string): { readonly [member: string]: unknown } =>
  Object.fromEntries(
    Object.entries(members).map(([member, value]: [string, unknown]) => [member, isRegistered(member) ? value : mask])
  )

/** The registration as JSON, its secrets masked unless they are asked for. */
export const clientJson = Effect.fnUntraced(function*(client: RegisteredClient) {
  const reveal = yield* Reveal
  const { added, assumed, dropped, replaced } = client.differences
  return {
    issuer: client.issuer,
    information: reveal ? revealed(client) : concealed(client),
    extensions: reveal ? client.extensions : maskVendors(client.extensions, masked),
    requested: reveal ? client.requested : maskVendors(client.requested, masked),
    filledIn: client.filledIn,
    warnings: client.warnings,
    differences: {
      added: added.map(({ member }) => member),
      replaced: replaced.map(({ member }) => member),
      dropped: dropped.map(({ member }) => member),
      assumed
    },
    deviations: client.deviations
  }
})

/** What a person sees where a secret is. */
const dots = "•".repeat(8)

/** The members that have a row of their own. */
const ownRows = new Set([
  "token_endpoint_auth_method",
  "grant_types",
  "redirect_uris",
  "scope",
  "client_id",
  "client_secret",
  "client_secret_expires_at",
  "registration_client_uri",
  "registration_access_token"
])

/** The registration as text; with what the server filled in, where that is news or what was asked for. */
export const clientText = Effect.fnUntraced(function*(
  client: RegisteredClient,
  options: { readonly filledIn: boolean } = { filledIn: false }
) {
  const look = yield* style
  const reveal = yield* Reveal
  const { information } = client
  const secret = (value: Redacted.Redacted<string> | undefined) =>
    value === undefined
      ? undefined
      : reveal
      ? Redacted.value(value)
      : styled(`${dots}  ${look.dim("(--reveal prints it)")}`)
  const vendorsToo = (members: object) => reveal ? members : maskVendors(members, dots)
  const now = yield* DateTime.now
  const expiry = Option.match(client.secretExpiresAt, {
    onNone: () => information.client_secret_expires_at === 0 ? "never" : undefined,
    onSome: (at) => expiryText(at, now)
  })
  const all: { readonly [member: string]: unknown } = {
    ...(client.differences.assumed ? vendorsToo(client.requested) : undefined),
    ...vendorsToo(client.extensions),
    ...information
  }
  const granted = client.differences.assumed ? { ...client.requested, ...information } : information
  return sections([
    columns(
      rowsOf(look, [
        ["client id", information.client_id],
        ["client secret", secret(information.client_secret)],
        ["secret expires", expiry],
        ["authentication", granted.token_endpoint_auth_method],
        ["grant types", granted.grant_types?.join(", ")],
        ["redirect URIs", granted.redirect_uris?.join(", ")],
        ["scope", granted.scope],
        // What was asked for besides, as it was granted.
        ...Object.keys(client.requested).filter((member) => !ownRows.has(member)).map((member) =>
          [member, textOf(all[member])] as const
        ),
        ["managed at", (reveal ? information : shownInformation(information)).registration_client_uri],
        ["management token", secret(information.registration_access_token)]
      ]),
      look
    ),
    differencesText(client, look, { ...options, reveal }),
    listText(
      look,
      "departs from the specifications",
      client.deviations.map(({ id, message, section }) => [look.warn(id), ruled(plain(message), section, look)])
    ),
    listText(
      look,
      "warnings",
      client.warnings.map(({ member, message, section }) => [
        look.warn(plain(member)),
        ruled(plain(message), section, look)
      ])
    )
  ])
})

const differencesText = (
  client: RegisteredClient,
  look: Style,
  { filledIn, reveal }: { readonly filledIn: boolean; readonly reveal: boolean }
): string => {
  const told = (member: string, value: unknown): string =>
    isRegistered(member) ? valueText(value) : reveal ? valueText(inTheClear(value)) : dots
  const { added, assumed, dropped, replaced } = client.differences
  if (assumed) {
    return look.dim(paragraph("the server repeated nothing of what was asked: it is assumed to be registered", look))
  }
  return sections([
    listText(look, "the server changed: ~ replaced, - dropped", [
      ...replaced.map(({ granted, member, requested }) => [
        `${look.warn("~")} ${plain(member)}`,
        `${told(member, requested)} -> ${told(member, granted)}`
      ]),
      ...dropped.map(({ member, requested }) => [
        `${look.bad("-")} ${plain(member)}`,
        `${told(member, requested)}  ${look.dim("(left out)")}`
      ])
    ]),
    filledIn
      ? listText(
        look,
        "the server filled in",
        added.map(({ granted, member }) => [plain(member), told(member, granted)])
      )
      : ""
  ])
}

/** When a secret ends, and how long that is. */
const expiryText = (at: DateTime.Utc, now: DateTime.Utc): string => {
  const left = DateTime.toEpochMillis(at) - DateTime.toEpochMillis(now)
  const units: ReadonlyArray<readonly [name: string, millis: number]> = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000]
  ]
  const [name, millis] = units.find(([, millis]) => Math.round(Math.abs(left) / millis) > 1) ?? ["minute", 60_000]
  const count = Math.round(Math.abs(left) / millis)
  const span = count === 0 ? "less than a minute" : `${count} ${name}${count === 1 ? "" : "s"}`
  const time = DateTime.formatIso(at).replace("T", " ").replace(/(:\d\d)(\.\d+)?Z$/, "$1 UTC")
  return `${time}, ${left > 0 ? `in ${span}` : `${span} ago`}`
}

/** What is said, and the rule for it. */
export const ruled = (text: string, section: string | undefined, look: Style): string =>
  section === undefined || section === "" ? text : `${text}  ${look.dim(unbroken(section))}`

/** The registration that a result is about. */
export const titleText = (
  what: string,
  key: { readonly issuer: string; readonly profile: string },
  look: Style
): string =>
  [what, look.bold(plain(key.issuer)), look.dim(`profile ${plain(key.profile)}`)].filter((part) => part !== "").join(
    "  "
  )

/** Nothing for what is not there. */
const textOf = (value: unknown): string | undefined => value === undefined ? undefined : valueText(value)

const inTheClear = (value: unknown): unknown => Redacted.isRedacted(value) ? Redacted.value(value) : value

const valueText = (value: unknown): string =>
  Array.isArray(value) && value.every((item) => typeof item === "string")
    ? value.length === 0 ? "(none)" : plain(value.join(", "))
    : plain(typeof value === "string" ? value : JSON.stringify(value) ?? "")

// -----------------------------------------------------------------------------
// a server
// -----------------------------------------------------------------------------

export const serverText = Effect.fnUntraced(function*(server: AuthorizationServer) {
  const look = yield* style
  return columns(
    rowsOf(look, [
      ["registration", server.registration_endpoint ?? styled(look.bad("not offered"))],
      ["token endpoint", server.token_endpoint],
      ["grant types", server.grant_types_supported?.join(", ")],
      ["response types", server.response_types_supported?.join(", ")],
      ["authentication", server.token_endpoint_auth_methods_supported?.join(", ")],
      ["DPoP", server.dpop_signing_alg_values_supported?.join(", ")],
      ["scopes", server.scopes_supported?.join(", ")]
    ]),
    look
  )
})

// -----------------------------------------------------------------------------
// a failure
// -----------------------------------------------------------------------------

/** The failure with all that it lists. */
export const errorText = (error: RegistrationError, next: string, look: Style): string =>
  [
    labelled(look.bad("failed"), plain(headlineOf(error)), look),
    columns(detailsOf(error, look), look),
    // A command is one to copy.
    labelled(look.bold("next"), next.replace(/effect-dcr [^`]+$/, unbroken), look)
  ].filter((line) => line !== "").join("\n")

const detailsOf = ({ reason }: RegistrationError, look: Style): ReadonlyArray<ReadonlyArray<string>> => {
  switch (reason._tag) {
    case "InvalidMetadata":
      return reason.violations.map(({ member, message, rule, section, severity }) => [
        severity === "error" ? look.bad(plain(member)) : look.warn(plain(member)),
        `${severity === "error" ? "" : "warning: "}${plain(message)} ${look.dim(unbroken(`(${section}, ${rule})`))}`
      ])
    case "DiscoveryFailed":
      return reason.attempts.map(({ problem, url }) => [plain(url), plain(problemOf(problem))])
    default:
      return []
  }
}

// -----------------------------------------------------------------------------
// parts
// -----------------------------------------------------------------------------

export const sections = (texts: ReadonlyArray<string>): string => texts.filter((text) => text !== "").join("\n\n")

/** Text with escapes of our own in it. */
interface Styled {
  readonly styled: string
}

const styled = (text: string): Styled => ({ styled: text })

/** Names and values; what is not there is left out, and what a server may have said is made plain. */
export const rowsOf = (
  look: Style,
  rows: ReadonlyArray<readonly [name: string, value: string | Styled | undefined]>
): ReadonlyArray<ReadonlyArray<string>> =>
  rows.flatMap(([name, value]) =>
    value === undefined || value === ""
      ? []
      : [[look.dim(name), typeof value === "string" ? plain(value) : value.styled]]
  )

/** A list under a title. Its cells are plain already. */
export const listText = (look: Style, title: string, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  rows.length === 0 ? "" : `  ${title}\n${columns(rows, look, "    ")}`
