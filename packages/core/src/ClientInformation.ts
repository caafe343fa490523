/**
 * What a server granted: the client's identifier and credentials, and the metadata as it was registered.
 *
 * @see RFC 7591 §3.2.1, RFC 7592 §3
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as ClientMetadata from "./ClientMetadata.ts"
import { localizedMembers, otherMembers } from "./internal/openMembers.ts"

// -----------------------------------------------------------------------------
// models and schemas
// -----------------------------------------------------------------------------

/** A secret is Redacted from the moment that it is decoded, and no schema of this module writes it out again. */
const secret = (label: string) => Schema.RedactedFromValue(Schema.String, { label, disallowEncode: true })

/**
 * The members that only an answer has.
 *
 * @since 0.1.0
 * @category members
 */
export const answerMembers = {
  /** The client's identifier (RFC 7591 §3.2.1). */
  client_id: Schema.String,
  /** The client's secret, if it has one (RFC 7591 §3.2.1). */
  client_secret: secret("client_secret"),
  /** When the identifier was issued, in seconds since the epoch (RFC 7591 §3.2.1). */
  client_id_issued_at: Schema.Number,
  /** When the secret expires, in seconds since the epoch; 0 for never (RFC 7591 §3.2.1). */
  client_secret_expires_at: Schema.Number,
  /** The token for reading, updating and deleting this registration (RFC 7592 §3). */
  registration_access_token: secret("registration_access_token"),
  /** Where this registration is read, updated and deleted (RFC 7592 §3). */
  registration_client_uri: Schema.String
}

/**
 * Every member of an answer, with the schema of its value.
 *
 * @since 0.1.0
 * @category members
 */
export const members = { ...ClientMetadata.members, ...answerMembers }

type AnswerMembers = {
  readonly [Name in Exclude<keyof typeof answerMembers, "client_id">]?:
    | (typeof answerMembers)[Name]["Type"]
    | undefined
}

/**
 * What the server granted. `client_id` is always there, secrets are `Redacted`, times are seconds since the epoch.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientInformation extends ClientMetadata.ClientMetadata, AnswerMembers {
  /** The client's identifier (RFC 7591 §3.2.1). */
  readonly client_id: string
}

/**
 * Client information on the wire, for reading. Members of other names are kept as they are.
 *
 * **Gotchas**
 *
 * It judges as strictly as the types do. `ClientRegistration.process` is the lenient reader of what servers send.
 *
 * @since 0.1.0
 * @category schemas
 */
export const ClientInformation: Schema.Codec<ClientInformation, { readonly [name: string]: unknown }> = Schema
  .StructWithRest(
    Schema.Struct(members).mapFields(({ client_id, ...others }) => ({
      ...Struct.map(others, Schema.optional),
      client_id
    })),
    [localizedMembers, otherMembers(members)]
  )
