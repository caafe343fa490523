/**
 * Reads the metadata of an authorization server as its schema does, without the schema: a member that is not what its
 * specification says is left out, members of other names are kept.
 *
 * @internal
 */
import { object } from "./guards.ts"
import { aliasGuards, serverGuards } from "./serverGuards.ts"
import type * as metadata from "./serverMetadata.ts"

interface Server extends metadata.Values<typeof metadata.optionalMembers> {
  readonly issuer: string
}

type Json = { readonly [name: string]: unknown }

/** The server that a document describes; none when it names no issuer. */
export const readServer = (document: Json): Server | undefined => {
  const server = wellFormed(document, serverGuards)
  const aliases = server["mtls_endpoint_aliases"]
  return hasIssuer(server)
    ? object(aliases) ? { ...server, mtls_endpoint_aliases: wellFormed(aliases, aliasGuards) } : server
    : undefined
}

/** The document without the members that are not what their specification says. */
const wellFormed = (document: Json, guards: { readonly [name: string]: (value: unknown) => boolean }): Json =>
  Object.fromEntries(
    Object.entries(document).filter(([name, value]) => !Object.hasOwn(guards, name) || guards[name]?.(value) === true)
  )

/** Each of its members was looked at. */
const hasIssuer = (server: Json): server is { readonly issuer: string } => typeof server["issuer"] === "string"
