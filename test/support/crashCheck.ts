/** Kills a process that registers, updates and renews, again and again, and looks each time what the store and the server have. */
import { Registrar, RegistrationRecord } from "@effect-dcr/core"
import { NodeRegistration, NodeRegistrationStore } from "@effect-dcr/platform-node"
import { assert } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { mountedServer, startChild, temporaryDirectory } from "./childPrograms.ts"
import { seeded } from "./seeded.ts"

/** What a child says that it was given. */
const decodeLine = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({
  profile: Schema.String,
  clientId: Schema.optionalKey(Schema.String),
  failed: Schema.optionalKey(Schema.String)
})))

/** Where a kill fell, as the records tell. */
export interface CrashFigures {
  readonly kills: number
  /** How often the children were given a registration. */
  readonly returned: number
  /** Clients at the server. */
  readonly registered: number
  /** Updates and rotations at the server. */
  readonly updates: number
  /** Kills after a registration was announced and before its record was durable. */
  readonly killedRegistering: number
  /** The same for an update or a rotation. */
  readonly killedUpdating: number
  /** Clients at the server that are in no record. */
  readonly orphans: number
  /** Possible orphans in the records: those, and registrations that never arrived. */
  readonly listed: number
  /** Clients that were replaced, because the credentials of their last rotation were lost; the records keep them. */
  readonly replaced: number
}

/**
 * Kills so many times, in several lanes at once: each has a directory, a server and one process at a time of its own.
 */
export const crash = (kills: number, seed: number, lanes: number) =>
  Effect.map(
    Effect.forEach(
      Array.from({ length: lanes }, (_, lane) => Math.floor((kills + lane) / lanes)),
      (kills, lane) => crashIn(kills, seed + lane),
      { concurrency: "unbounded" }
    ),
    (all): CrashFigures => {
      const sum = (of: (figures: CrashFigures) => number) => all.reduce((sum, figures) => sum + of(figures), 0)
      return {
        kills: sum(({ kills }) => kills),
        returned: sum(({ returned }) => returned),
        registered: sum(({ registered }) => registered),
        updates: sum(({ updates }) => updates),
        killedRegistering: sum(({ killedRegistering }) => killedRegistering),
        killedUpdating: sum(({ killedUpdating }) => killedUpdating),
        orphans: sum(({ orphans }) => orphans),
        listed: sum(({ listed }) => listed),
        replaced: sum(({ replaced }) => replaced)
      }
    }
  )

const crashIn = (kills: number, seed: number) =>
  Effect.gen(function*() {
    const random = seeded(seed)
    const directory = yield* temporaryDirectory
    let onRequest: (() => void) | undefined
    const server = yield* mountedServer({
      rotateToken: "update",
      rotateSecret: "update",
      secretLifetime: "2 seconds",
      recordedRequests: 1_000_000
    }, () => {
      onRequest?.()
      return random() * 6
    })
    /** Waits until so many requests more have begun or ended. */
    const requests = (count: number) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          let rest = count
          onRequest = () => {
            rest -= 1
            if (rest === 0) resolve()
          }
        })
      )

    /** The records of these profiles, opened by a store that is new; of all that are listed when nobody says which. */
    const records = Effect.fnUntraced(function*(profiles?: ReadonlyArray<string>) {
      const store = yield* NodeRegistrationStore.make({ directory })
      const keys = profiles === undefined
        ? Array.from(yield* Stream.runCollect(store.keys))
        : profiles.map((profile) => ({ issuer: server.issuer, profile }))
      const found = yield* Effect.forEach(keys, (key) =>
        Effect.flatMap(
          store.load(key),
          Option.match({
            onNone: () => Effect.succeedNone,
            onSome: ({ value }) => Effect.map(RegistrationRecord.decode(value, key), Option.some)
          })
        ))
      return found.flatMap(Option.toArray)
    })
    const clientsOf = ({ current, previous }: RegistrationRecord.RegistrationRecord) => [
      ...previous.map(({ client }) => client),
      ...(current === undefined ? [] : [current])
    ]

    const given = new Map<string, Set<string>>()
    let returned = 0
    // By when they were announced: one that nobody has looked at yet is found again after the next kill.
    const killedRegistering = new Set<string>()
    const killedUpdating = new Set<string>()
    const failures: Array<string> = []

    const check = Effect.fnUntraced(function*(profiles?: ReadonlyArray<string>) {
      const all = yield* records(profiles)
      const byProfile = new Map(all.map((record) => [record.profile, record]))
      for (const [profile, ids] of given) {
        if (profiles !== undefined && !profiles.includes(profile)) continue
        const record = byProfile.get(profile)
        const kept = record === undefined ? [] : clientsOf(record).map(({ information }) => information.client_id)
        for (const id of ids) assert.include(kept, id, `a registration of ${profile} that was returned is lost`)
      }
      for (const record of all) {
        for (const { information } of clientsOf(record)) {
          for (const secret of [information.client_secret, information.registration_access_token]) {
            assert.isTrue(
              secret !== undefined && server.hasIssued(information.client_id, Redacted.value(secret)),
              `a secret of ${record.profile} is not one that the server gave`
            )
          }
        }
      }
      return all
    })

    for (let round = 0; round < kills; round++) {
      const child = yield* startChild("crashChild.ts", [directory, server.issuer, String(round)])
      assert.strictEqual(yield* child.line, "ready")
      // By how far it got, whatever the machine has to do besides: around a request is where it hurts.
      const lines: Array<string> = []
      for (let rest = Math.floor(random() * 6); rest > 0; rest--) lines.push(yield* child.line)
      if (random() < 0.75) yield* requests(1 + Math.floor(random() * 8))
      yield* Effect.sleep(random() * 8)
      yield* child.signal("SIGKILL")
      yield* child.ended
      // What it had sent arrives and is answered, whether or not somebody is there.
      yield* Effect.sleep(30)
      const profiles = new Set(["lasting"])
      for (const line of [...lines, ...child.unread()]) {
        const said = Option.getOrUndefined(decodeLine(line))
        if (said?.failed !== undefined) failures.push(`${said.profile}: ${said.failed}`)
        if (said !== undefined) profiles.add(said.profile)
        if (said?.clientId === undefined) continue
        returned++
        given.set(said.profile, (given.get(said.profile) ?? new Set()).add(said.clientId))
      }
      // And the one that it was about to be given.
      for (const record of yield* check([...profiles, `${round}-${profiles.size - 1}`])) {
        if (record.intent === undefined) continue
        const { kind, startedAt } = record.intent
        const killed = kind === "register" ? killedRegistering : killedUpdating
        killed.add(`${record.profile} ${startedAt}`)
      }
    }

    // Whoever comes next finds every key usable, and counts what may have been left behind.
    const found = yield* records()
    yield* Effect.flatMap(Registrar.Registrar, (registrar) =>
      Effect.forEach(found, ({ profile }) =>
        registrar.ensure({
          server: server.issuer,
          profile,
          metadata: { redirect_uris: ["https://app.example.com/cb"], client_name: "Afterwards" }
        }), { concurrency: 4 })).pipe(
        Effect.provide(
          Registrar.layer().pipe(
            Layer.provide([NodeRegistrationStore.layer({ directory }), NodeRegistration.layer])
          )
        )
      )
    const after = yield* check()
    const kept = new Set(after.flatMap(clientsOf).map(({ information }) => information.client_id))
    const clients = yield* server.clients
    const orphans = clients.filter(({ clientId }) => !kept.has(clientId))
    const listed = after.reduce((sum, { possibleOrphans }) => sum + possibleOrphans.length, 0)
    assert.deepStrictEqual(failures, [])
    assert.isAtMost(orphans.length, killedRegistering.size)
    assert.strictEqual(listed, killedRegistering.size)
    for (const { metadata } of orphans) {
      const [profile] = String(metadata["client_name"]).split(" ")
      const orphansOf = orphans.filter((each) => String(each.metadata["client_name"]).split(" ")[0] === profile)
      const { possibleOrphans = [] } = after.find((record) => record.profile === profile) ?? {}
      assert.isAtLeast(possibleOrphans.length, orphansOf.length, `each orphan of ${profile} is listed`)
    }
    assert.isTrue(after.every(({ intent }) => intent === undefined))
    // Who was killed before there was an entry left a file behind, maybe, but nothing in it.
    const secretsLeft = Fs.readdirSync(directory, { recursive: true }).map(String).filter((name) =>
      name.endsWith(".tmp") && Fs.readFileSync(Path.join(directory, name), "utf8").includes("registration_access_token")
    )
    assert.deepStrictEqual(secretsLeft, [])
    const figures: CrashFigures = {
      kills,
      returned,
      registered: clients.length,
      updates: yield* server.count("PUT"),
      killedRegistering: killedRegistering.size,
      killedUpdating: killedUpdating.size,
      orphans: orphans.length,
      listed,
      replaced: after.reduce((sum, { previous }) => sum + previous.length, 0)
    }
    return figures
  }).pipe(Effect.scoped)
