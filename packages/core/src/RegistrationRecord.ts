/**
 * What a store's entry says: what was asked, what was granted, what was there before, and what is under way.
 *
 * The only schema of this SDK that writes secrets out. Its text belongs into a `RegistrationStore` and nowhere else.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { ClientInformation } from "./ClientInformation.ts"
import type { ClientMetadata } from "./ClientMetadata.ts"
import { Deviation } from "./Deviation.ts"
import { isObject } from "./internal/selectMembers.ts"
import { storeFailed } from "./internal/storeFailure.ts"
import { RegisteredClient } from "./RegisteredClient.ts"
import type { RegistrationError } from "./RegistrationError.ts"
import { Violation } from "./Violation.ts"

// -----------------------------------------------------------------------------
// models and schemas
// -----------------------------------------------------------------------------

const decodeInformation = SchemaParser.decodeUnknownEffect(ClientInformation)

/** As it was sent: what could be sent must not fail to be kept, whatever its types. */
const Requested = Schema.declare((requested): requested is ClientMetadata => isObject(requested))

/** A registered client with its secrets in the clear. */
const KeptClient = Schema.Struct({
  issuer: Schema.String,
  requested: Requested,
  filledIn: Schema.Array(Schema.String),
  warnings: Schema.Array(Violation),
  information: Schema.Record(Schema.String, Schema.Unknown),
  extensions: Schema.Record(Schema.String, Schema.Unknown),
  deviations: Schema.Array(Schema.Unknown)
}).pipe(
  Schema.decodeTo(
    Schema.instanceOf(RegisteredClient),
    SchemaTransformation.transformEffect({
      decode: (kept) =>
        Effect.map(
          decodeInformation(kept.information),
          (information) =>
            // Another version of this SDK may know others.
            new RegisteredClient({ ...kept, information, deviations: kept.deviations.filter(Schema.is(Deviation)) })
        ),
      encode: (client) =>
        Effect.succeed({
          issuer: client.issuer,
          requested: client.requested,
          filledIn: client.filledIn,
          warnings: client.warnings,
          information: reveal(client.information),
          extensions: client.extensions,
          deviations: client.deviations
        })
    })
  )
)

/**
 * A registration that another one replaced. It is still there at the server: deleting it logs its users out.
 *
 * @since 0.1.0
 * @category models
 */
const PreviousRegistration = Schema.Struct({
  client: KeptClient,
  /** When it was replaced, in milliseconds since the epoch. */
  replacedAt: Schema.Number,
  /** Why: `metadata-changed`, `secret-expiring`, `superseded`, `removed`, or what `Registrar.invalidate` was told. */
  reason: Schema.String,
  /** When it is to be deleted at the server, in milliseconds since the epoch; never when absent. */
  retireAt: Schema.optionalKey(Schema.Number),
  /** Whether it is probably gone: it was said to be invalid, or its deletion was begun. A 401 then says that it is. */
  isDoubtful: Schema.optionalKey(Schema.Boolean)
})

/**
 * What is about to be sent, written before it is sent. One that is found later without its outcome belongs to a process that
 * died in between: the server may have a client that nobody knows.
 *
 * @since 0.1.0
 * @category models
 */
const Intent = Schema.Struct({
  kind: Schema.Literals(["register", "update", "rotate", "remove"]),
  /** In milliseconds since the epoch. */
  startedAt: Schema.Number,
  /** The token of the lease under which it was written. */
  lease: Schema.optionalKey(Schema.Number),
  /** The client that it is about, but for a registration. */
  clientId: Schema.optionalKey(Schema.String),
  /** The members that an update sets. */
  members: Schema.optionalKey(Schema.Array(Schema.String))
})

/**
 * A client that may exist at the server without anybody knowing its credentials.
 *
 * @since 0.1.0
 * @category models
 */
const PossibleOrphan = Schema.Struct({
  /** When its registration was begun, in milliseconds since the epoch. */
  startedAt: Schema.Number,
  why: Schema.Literals(["crashed", "outcome-unknown"])
})

/**
 * A pause after a failure, which grows with each in a row.
 *
 * @since 0.1.0
 * @category models
 */
const Pause = Schema.Struct({
  /** In milliseconds since the epoch. */
  since: Schema.Number,
  /** In milliseconds since the epoch. */
  until: Schema.Number,
  /** How many failures in a row. */
  failures: Schema.Number
})

const fields = {
  issuer: Schema.String,
  profile: Schema.String,
  /** The fingerprint of the metadata as the caller gave it. */
  fingerprint: Schema.optionalKey(Schema.String),
  current: Schema.optionalKey(KeptClient),
  /** The registration access token before the current one, for the case that its successor never took effect. */
  formerToken: Schema.optionalKey(Schema.RedactedFromValue(Schema.String)),
  /** Members that an update of unknown outcome may have set at the server. */
  uncertainMembers: Schema.optionalKey(Schema.Array(Schema.String)),
  previous: Schema.Array(PreviousRegistration),
  intent: Schema.optionalKey(Intent),
  possibleOrphans: Schema.Array(PossibleOrphan),
  /** When the current secret and its expiry were first seen, in milliseconds since the epoch. */
  secretSince: Schema.optionalKey(Schema.Number),
  /** While nothing is registered after an unknown outcome. */
  backoff: Schema.optionalKey(Pause),
  /** While the current registration is used although it is time to renew it. */
  renewalPause: Schema.optionalKey(Pause),
  /** When the current registration took the place of another, or got another secret, in milliseconds since the epoch. */
  replacedAt: Schema.optionalKey(Schema.Number),
  /** When the current registration was declared invalid, in milliseconds since the epoch. */
  invalidatedAt: Schema.optionalKey(Schema.Number),
  /** Why. */
  invalidatedBecause: Schema.optionalKey(Schema.String)
}

/**
 * The record of a key.
 *
 * @since 0.1.0
 * @category schemas
 */
export const RegistrationRecord = Schema.Struct(fields)

/**
 * @since 0.1.0
 * @category models
 */
export type RegistrationRecord = typeof RegistrationRecord.Type

/** The format that this version writes. It reads no other: the first one is the first. */
const format = 1

const Kept = Schema.fromJsonString(Schema.Struct({ format: Schema.Literal(format), ...fields }))

const Format = Schema.fromJsonString(Schema.Struct({ format: Schema.Number }))

// -----------------------------------------------------------------------------
// constructors
// -----------------------------------------------------------------------------

/**
 * A record of nothing yet.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty = (key: { readonly issuer: string; readonly profile: string }): RegistrationRecord => ({
  ...key,
  previous: [],
  possibleOrphans: []
})

// -----------------------------------------------------------------------------
// encoding
// -----------------------------------------------------------------------------

const encodeKept = Schema.encodeEffect(Kept)
const decodeKept = Schema.decodeUnknownEffect(Kept)
const decodeSealed = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ enc: Schema.String, ciphertext: Schema.String }))
)
const decodeFormat = Schema.decodeUnknownOption(Format)

/**
 * The text of a record, **secrets included**.
 *
 * @since 0.1.0
 * @category encoding
 */
export const encode = (record: RegistrationRecord): Effect.Effect<string, RegistrationError> =>
  Effect.mapError(
    encodeKept({ format, ...record }),
    () => storeFailed("save", "Corrupted", "a registration cannot be written as JSON")
  )

/**
 * The record in a text. Fails with `NewerFormat` when a newer version of this SDK wrote it, with `Undecryptable` when it is
 * encrypted, with `Corrupted` when it is not one, or is the record of another key.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (
  text: string,
  key: { readonly issuer: string; readonly profile: string }
): Effect.Effect<RegistrationRecord, RegistrationError> =>
  decodeKept(text).pipe(
    Effect.mapError(() => {
      if (decodeSealed(text)._tag === "Some") {
        return storeFailed(
          "load",
          "Undecryptable",
          "the entry is encrypted, and no key was given: provide RegistrationEncryption"
        )
      }
      const found = decodeFormat(text)
      return found._tag === "Some" && found.value.format > format
        ? storeFailed("load", "NewerFormat", "an entry was written by a newer version of this SDK")
        : storeFailed("load", "Corrupted", "an entry is not a registration")
    }),
    Effect.flatMap(({ format: _, ...record }) =>
      record.profile === key.profile &&
        // Its clients as well: credentials of one issuer are never handed to another.
        [record, record.current, ...record.previous.map(({ client }) => client)]
          .every((part) => part === undefined || part.issuer === key.issuer)
        ? Effect.succeed(record)
        : Effect.fail(storeFailed("load", "Corrupted", "an entry is the registration of another issuer or profile"))
    )
  )

// -----------------------------------------------------------------------------
// helpers
// -----------------------------------------------------------------------------

const reveal = (information: ClientInformation): { readonly [name: string]: unknown } =>
  Object.fromEntries(
    Object.entries(information).map(([name, value]: [string, unknown]) => [
      name,
      Redacted.isRedacted(value) ? Redacted.value(value) : value
    ])
  )
