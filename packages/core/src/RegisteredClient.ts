/**
 * A client registration: which server, what was asked, what was granted, and where the answer departed from the
 * specifications.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { ClientInformation } from "./ClientInformation.ts"
import * as ClientMetadata from "./ClientMetadata.ts"
import type { Deviation } from "./Deviation.ts"
import * as Differences from "./Differences.ts"
import { isLocalized } from "./internal/openMembers.ts"
import { withoutSecrets } from "./internal/serverText.ts"
import { parseUrl } from "./internal/url.ts"
import type { Violation } from "./Violation.ts"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

const TypeId = "~@effect-dcr/core/RegisteredClient"

/**
 * A registered client.
 *
 * **Details**
 *
 * Printing one shows no secret: secrets are `Redacted`, and members that no specification registers are shown by name
 * only, because nobody knows what a vendor puts there.
 *
 * @since 0.1.0
 * @category models
 */
export class RegisteredClient extends Inspectable.Class {
  /** What a guard recognises a registered client by. */
  readonly [TypeId] = TypeId
  /** The issuer of the server that registered the client. Credentials belong to this issuer and to no other. */
  readonly issuer: string
  /** The metadata as it was sent, with what was filled in. */
  readonly requested: ClientMetadata.ClientMetadata
  /** The names of the members that the caller left out and that were filled in before sending. */
  readonly filledIn: ReadonlyArray<string>
  /** What the rules warned about before it was sent. */
  readonly warnings: ReadonlyArray<Violation>
  /** What the server granted: the identifier, the secrets, and the metadata that it says it registered. */
  readonly information: ClientInformation
  /** Where the answer departed from the specifications, in a stable order. */
  readonly deviations: ReadonlyArray<Deviation>
  /** Not enumerable and not inspectable: a private name. */
  readonly #extensions: { readonly [name: string]: unknown }

  constructor(properties: {
    readonly issuer: string
    readonly requested: ClientMetadata.ClientMetadata
    readonly filledIn: ReadonlyArray<string>
    readonly warnings: ReadonlyArray<Violation>
    readonly information: ClientInformation
    readonly extensions: { readonly [name: string]: unknown }
    readonly deviations: ReadonlyArray<Deviation>
  }) {
    super()
    this.issuer = properties.issuer
    this.requested = properties.requested
    this.filledIn = properties.filledIn
    this.warnings = properties.warnings
    this.information = properties.information
    this.deviations = properties.deviations
    this.#extensions = properties.extensions
  }

  /** The members of the answer that no specification registers, by name. Their values may be anything, secrets included. */
  get extensions(): { readonly [name: string]: unknown } {
    return this.#extensions
  }

  /**
   * What was asked, compared with what was granted. What was granted in members that no specification registers is
   * `Redacted`: it may be anything.
   */
  get differences(): Differences.Differences {
    const found = Differences.between({ ...this.requested }, { ...this.extensions, ...this.information })
    return { ...found, added: found.added.map(redacted), replaced: found.replaced.map(redacted) }
  }

  /** When the secret expires; none when it never does, when the server did not say, or when there is no secret. */
  get secretExpiresAt(): Option.Option<DateTime.Utc> {
    const seconds = this.information.client_secret_expires_at
    return this.information.client_secret === undefined || seconds === undefined || seconds === 0
      ? Option.none()
      : DateTime.make(seconds * 1000)
  }

  override toJSON(): unknown {
    return {
      _id: "@effect-dcr/core/RegisteredClient",
      issuer: this.issuer,
      requested: shown(this.requested),
      filledIn: this.filledIn,
      warnings: this.warnings,
      information: shownInformation(this.information),
      extensions: Object.keys(this.extensions),
      deviations: this.deviations
    }
  }
}

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

/**
 * Whether a specification registers a member of that name. What stands in another one may be anything, secrets included.
 *
 * @internal
 */
export const isRegistered = (name: string): boolean => ClientMetadata.isMember(name) || isLocalized(name)

/**
 * `text` without the secrets, in whatever encoding they stand there.
 *
 * @internal
 */
export const scrub = (text: string, secrets: ReadonlyArray<Redacted.Redacted<string>>): string =>
  withoutSecrets(text, secrets.map(Redacted.value))

const redacted = <A extends { readonly member: string; readonly granted: unknown }>(difference: A): A =>
  isRegistered(difference.member)
    ? difference
    : { ...difference, granted: Redacted.make(difference.granted, { label: difference.member }) }

/**
 * The information as it may be shown. The management URI is kept as the server gave it, but it may hold a secret, which may be
 * one that no member names: of its query only the identifier is shown, its fragment and user information are not.
 *
 * @internal
 */
export const shownInformation = (information: ClientInformation): ClientInformation => {
  const { client_id, client_secret, registration_access_token, registration_client_uri: uri } = information
  if (uri === undefined) return information
  const secrets = [client_secret, registration_access_token].filter((secret) => secret !== undefined)
  return { ...information, registration_client_uri: scrub(withoutCapabilities(uri, client_id), secrets) }
}

const withoutCapabilities = (uri: string, clientId: string): string => {
  const url = parseUrl(uri)
  if (url === undefined || url.username !== "" || url.password !== "") return masked
  const query = Array.from(url.searchParams, ([name, value]) => `${name}=${value === clientId ? value : masked}`)
  const [place = ""] = uri.split(/[?#]/, 1)
  return place + (url.search === "" ? "" : `?${query.join("&")}`) + (url.hash === "" ? "" : `#${masked}`)
}

const masked = "<redacted>"

const shown = (metadata: ClientMetadata.ClientMetadata) =>
  Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [
      name,
      isRegistered(name) ? value : "<extension>"
    ])
  )
