/**
 * The server: takes a request, finds whose it is, lets misbehaviours take part, and records it.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Headers from "effect/http/Headers"
import type { Occasion, Plan } from "./behaviours/plan.ts"
import { acceptsJson, type Answering, type Exchange, type Host, type Tweaks } from "./exchange.ts"
import * as Management from "./management.ts"
import { type Active, giveBack, take } from "./misbehaving.ts"
import * as Registration from "./registration.ts"
import { type ConnectionFailure, connectionFailure, empty, fault, isSuccess, json, type Reply } from "./reply.ts"
import { type Operation, paths, type Place, placesOf } from "./route.ts"
import type { Settings } from "./settings.ts"
import * as Tenant from "./tenant.ts"
import * as Token from "./token.ts"

/** What of a request matters here. */
export interface Incoming {
  readonly method: string
  readonly url: URL
  readonly headers: Headers.Headers
  readonly body: string
}

/** A request that is being answered, or was. */
export interface Entry extends Incoming {
  readonly at: number
  readonly operation: Operation | undefined
  readonly issuer: string | undefined
  misbehaviours: ReadonlyArray<string>
  status: number | undefined
}

/** Everything that the server remembers. */
export interface Memory {
  readonly tenants: Map<string, Tenant.Tenant>
  readonly requests: Array<Entry>
  readonly misbehaviours: Array<Active>
}

export const handle = Effect.fnUntraced(function*(
  host: Host,
  memory: Memory,
  incoming: Incoming
): Effect.fn.Return<Reply, ConnectionFailure> {
  const now = yield* Clock.currentTimeMillis
  const found = locate(host.settings, memory, incoming.url)
  const operation = found?.place.operations[incoming.method]
  const entry: Entry = {
    ...incoming,
    at: now,
    operation,
    issuer: found?.tenant.issuer,
    misbehaviours: [],
    status: undefined
  }
  // On arrival, so that requests stand in their order and one that is never answered is there too.
  memory.requests.push(entry)
  if (memory.requests.length > host.settings.recordedRequests) memory.requests.shift()

  const reply = found === undefined
    ? yield* unknownPlace(host.settings, incoming.url)
    : operation === undefined
    ? empty(405, { allow: Object.keys(found.place.operations).join(", ") })
    : yield* misbehaving(host, memory, entry, { ...found, operation, now })
  entry.status = reply.status
  return reply
})

// -----------------------------------------------------------------------------
// whose request it is
// -----------------------------------------------------------------------------

interface Found {
  readonly place: Place
  readonly tenant: Tenant.Tenant
}

const locate = (settings: Settings, memory: Memory, url: URL): Found | undefined => {
  const found = placesOf(url).flatMap((place) => {
    const issuer = issuerOf(settings, place.base)
    return issuer === undefined ? [] : [{ place, issuer }]
  })
  const isOn = ({ wellKnown }: Place) => wellKnown === undefined || settings.wellKnown.includes(wellKnown)
  // A root has two names for one URL: it answers when either of them is on.
  const chosen = found.find(({ place }) => isOn(place))
  return chosen === undefined
    ? undefined
    : { place: chosen.place, tenant: tenantOf(memory, chosen.issuer, chosen.place.base) }
}

const withoutSlash = (issuer: string): string => issuer.replace(/\/$/, "")

/** The issuer whose endpoints stand below `base`, in its own spelling. */
const issuerOf = ({ issuers }: Settings, base: string): string | undefined =>
  issuers === undefined ? base : issuers.find((issuer) => withoutSlash(issuer) === base)

export const tenantOf = (memory: Memory, issuer: string, base: string = withoutSlash(issuer)): Tenant.Tenant => {
  const known = memory.tenants.get(base)
  if (known !== undefined) return known
  const tenant = Tenant.make(issuer, base)
  memory.tenants.set(base, tenant)
  return tenant
}

const unknownPlace = ({ issuers }: Settings, url: URL): Effect.Effect<Reply, ConnectionFailure> => {
  if (issuers !== undefined && !issuers.some((issuer) => new URL(issuer).origin === url.origin)) {
    return Effect.fail(connectionFailure("ENOTFOUND", `getaddrinfo ENOTFOUND ${url.hostname}`))
  }
  // Nothing here is ever signed.
  return Effect.succeed(url.pathname.endsWith(paths.jwks) ? json(200, { keys: [] }) : empty(404))
}

// -----------------------------------------------------------------------------
// answers
// -----------------------------------------------------------------------------

interface Located extends Found {
  readonly operation: Operation
  readonly now: number
}

const misbehaving = Effect.fnUntraced(function*(
  host: Host,
  memory: Memory,
  entry: Entry,
  { now, operation, place, tenant }: Located
): Effect.fn.Return<Reply, ConnectionFailure> {
  const taken = take(memory.misbehaviours, operation, tenant.issuer)
  const note = (actives: ReadonlyArray<Active>) => {
    entry.misbehaviours = actives.map((active) => active.id)
  }
  const exchange: Exchange = {
    ...entry,
    tenant,
    clientId: place.clientId ?? "",
    now,
    tweaks: tweaksOf(host.settings, operation, taken.map((active) => active.plan))
  }
  const occasion: Occasion = { ...exchange, operation, random: host.random }

  // Of several that answer instead of the server the first does; the others keep their turn.
  const insteads = taken.filter((active) => active.plan.instead !== undefined)
  giveBack(insteads.slice(1))
  const instead = insteads[0]?.plan.instead
  const others = taken.filter((active) => !insteads.includes(active))
  let involved = insteads.slice(0, 1)
  note(involved)
  let reply = instead === undefined
    ? yield* process(host, exchange, operation).pipe(Effect.catch(Effect.succeed))
    : yield* instead(occasion)

  for (const active of others) {
    const { appliesTo = isSuccess, afterwards, tweak } = active.plan
    if (!appliesTo(reply) || (instead !== undefined && tweak !== undefined)) {
      giveBack([active])
      continue
    }
    involved = [...involved, active]
    note(involved)
    entry.status = undefined
    if (afterwards !== undefined) reply = yield* afterwards(reply, occasion)
  }
  return reply
})

const process = (host: Host, exchange: Exchange, operation: Operation): Answering => {
  if (operation !== "remove" && !acceptsJson(exchange)) {
    return Effect.fail(fault(406, "invalid_request", "the answer is application/json"))
  }
  switch (operation) {
    case "discover":
      return Effect.sync(() => ({
        status: 200,
        headers: { "content-type": "application/json" },
        members: { ...host.metadata(exchange.tenant) }
      }))
    case "register":
      return Registration.register(host, exchange)
    case "read":
      return manage(host, Management.read(host, exchange))
    case "update":
      return manage(host, Management.update(host, exchange))
    case "remove":
      return manage(host, Management.remove(host, exchange))
    case "token":
      return Token.token(host, exchange)
  }
}

const manage = ({ settings }: Host, answer: Answering): Answering =>
  settings.management ? answer : Effect.succeed(empty(404))

const tweaksOf = (settings: Settings, operation: Operation, plans: ReadonlyArray<Plan>): Tweaks => {
  const isDue = (when: Settings["rotateToken"]) =>
    when !== undefined && (operation === "update" || (operation === "read" && when === "read-and-update"))
  let tweaks: Tweaks = {
    grant: (metadata) => metadata,
    oddCredentials: false,
    secretLifetime: settings.secretLifetime,
    rotateToken: isDue(settings.rotateToken),
    rotateSecret: isDue(settings.rotateSecret),
    unknownMembers: settings.unknownMembers,
    forgets: false,
    refusesDpopScheme: false
  }
  for (const { tweak } of plans) {
    if (tweak === undefined) continue
    const { grant } = tweaks
    const next = tweak.grant
    tweaks = {
      ...tweaks,
      ...tweak,
      grant: next === undefined ? grant : (metadata) => next(grant(metadata))
    }
  }
  return tweaks
}

// -----------------------------------------------------------------------------
// browsers
// -----------------------------------------------------------------------------

/** Whether a page may send a request of this method (CORS preflight). A refused one counts as the request itself. */
export const allowsPreflight = (host: Host, memory: Memory, url: URL, method: string): boolean => {
  const found = locate(host.settings, memory, url)
  const operation = found?.place.operations[method]
  if (found === undefined || operation === undefined) return false
  const refusing = memory.misbehaviours.filter((active) => active.id === "cors-preflight-refused")
  return take(refusing, operation, found.tenant.issuer).length === 0
}
