/**
 * What every command can be told, and the names that several commands share.
 *
 * @internal
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Schema from "effect/Schema"

// -----------------------------------------------------------------------------
// settings: of every command
// -----------------------------------------------------------------------------

/** For scripts: one JSON document on standard output, and nothing else there. */
export const Json = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withDescription("Print one JSON document, for scripts"),
    Flag.withDefault(false)
  )
})

export const Reveal = GlobalFlag.Setting("reveal")({
  flag: Flag.Boolean("reveal").pipe(
    Flag.withDescription("Print secrets instead of masking them"),
    Flag.withDefault(false)
  )
})

export const Store = GlobalFlag.Setting("store")({
  // Not `Flag.Directory`: whether it can be used is for the store to say.
  flag: Flag.String("store").pipe(
    Flag.withDescription("Where registrations are kept (default: the data directory of the user)"),
    Flag.withMetavar("DIRECTORY"),
    Flag.optional
  )
})

export const Timeout = GlobalFlag.Setting("timeout")({
  flag: Flag.Finite("timeout").pipe(
    Flag.withDescription("Seconds to wait for each operation with all its attempts (default: 30)"),
    Flag.withSchema(Schema.Finite.check(Schema.isGreaterThan(0))),
    Flag.withMetavar("SECONDS"),
    Flag.withDefault(30)
  )
})

export const DpopKeyFile = GlobalFlag.Setting("dpop-key-file")({
  flag: Flag.String("dpop-key-file").pipe(
    Flag.withDescription("Send DPoP proofs with the private key in this file (PEM or JWK)"),
    Flag.withMetavar("FILE"),
    Flag.optional
  )
})

export const Dpop = GlobalFlag.Setting("dpop")({
  flag: Flag.Boolean("dpop").pipe(
    Flag.withDescription("Send DPoP proofs with a new ES256 key"),
    Flag.withDefault(false)
  )
})

export const AllowInsecure = GlobalFlag.Setting("dangerously-allow-insecure-requests")({
  flag: Flag.Boolean("dangerously-allow-insecure-requests").pipe(
    Flag.withDescription("Allow plain http to any host, where everybody on the way can read the secrets"),
    Flag.withDefault(false)
  )
})

export const settings = [Json, Reveal, Store, Timeout, Dpop, DpopKeyFile, AllowInsecure] as const

// -----------------------------------------------------------------------------
// arguments and flags: of several commands
// -----------------------------------------------------------------------------

export const issuer = Argument.String("issuer").pipe(
  Argument.withDescription("The issuer of the authorization server, a URL as the server spells it"),
  Argument.withMetavar("ISSUER")
)

export const profile = Flag.String("profile").pipe(
  Flag.withAlias("p"),
  Flag.withMetavar("NAME"),
  Flag.withDescription("Which registration at this issuer, such as a tenant (default: default)"),
  Flag.withDefault("default")
)

export const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Do not ask"),
  Flag.withDefault(false)
)
