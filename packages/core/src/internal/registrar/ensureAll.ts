/**
 * Many registrations at once, of many issuers, of which some are slow, want no more for now, or are down.
 *
 * Who wants an issuer waits in a lane of that issuer. A lane that is to wait holds up nobody else, and what waits is bounded: what
 * finds no room is handed back as postponed, for another time.
 *
 * @internal
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { RegisteredClient } from "../../RegisteredClient.ts"
import type { RegistrationError } from "../../RegistrationError.ts"
import type { Key } from "../../RegistrationStore.ts"

export interface EnsureAllOptions {
  /** How many registrations are asked for at once. Default: 16. */
  readonly concurrency?: number | undefined
  /** How many of them of one issuer. Default: 4. */
  readonly concurrencyPerIssuer?: number | undefined
  /** How many may wait for their issuer. Default: 10,000. */
  readonly capacity?: number | undefined
  /** The longest `Retry-After` that is waited for. Default: 5 minutes. */
  readonly maxWait?: Duration.Input | undefined
  /** How often one is tried whose failure may pass. Default: 3. */
  readonly attempts?: number | undefined
  /** After how many failures in a row, that are its own or the store's, an issuer is left for another time. Default: 10. */
  readonly giveUpAfter?: number | undefined
}

/**
 * What became of one of many.
 *
 * **Details**
 *
 * - `Ensured`: there is a usable registration, from before or from now.
 * - `Failed`: there is none, and the error says why; where the outcome is not known, it says that too.
 * - `Postponed`: none was found, and nothing speaks against one: the issuer wants none for now, is down, or too many waited for
 *   it; or the store is away. The error is the last one of that issuer.
 */
export type Ensured =
  & Key
  & (
    | { readonly _tag: "Ensured"; readonly client: RegisteredClient }
    | { readonly _tag: "Failed" | "Postponed"; readonly error: RegistrationError }
  )

/** How many came to what. */
export interface EnsureAllSummary {
  readonly ensured: number
  readonly failed: number
  readonly postponed: number
  /** By the tag of the reason, those that failed and those that were postponed. */
  readonly reasons: { readonly [tag: string]: number }
}

interface Item<W> {
  readonly wanted: W
  readonly key: Key
  attempts: number
  /** Whether it was looked for in the store, and was not there. */
  isMissing: boolean
}

interface Lane<W> {
  readonly waiting: Array<Item<W>>
  running: number
  /** In milliseconds of the clock that does not jump. */
  readyAt: number
  /** In a row. */
  failures: number
  isLeft: boolean
  error: RegistrationError | undefined
}

interface Wanted {
  readonly server: { readonly issuer: string } | string
  readonly profile: string
}

/** What is done for each of the many. */
interface Means<W> {
  /** The registration that is kept, if it is what is wanted; the issuer is not asked. */
  readonly find: (wanted: W) => Effect.Effect<RegisteredClient | undefined, RegistrationError>
  readonly ensure: (wanted: W) => Effect.Effect<RegisteredClient, RegistrationError>
}

export const ensureAll =
  <W extends Wanted>({ ensure, find }: Means<W>) =>
  <E, R>(all: Stream.Stream<W, E, R>, options: EnsureAllOptions = {}): Stream.Stream<Ensured, E, R> => {
    const concurrency = atLeastOne(options.concurrency, 16)
    const perIssuer = atLeastOne(options.concurrencyPerIssuer, 4)
    const capacity = Math.max(concurrency, atLeastOne(options.capacity, 10_000))
    const attempts = atLeastOne(options.attempts, 3)
    const giveUpAfter = atLeastOne(options.giveUpAfter, 10)
    const maxWait = Duration.toMillis(Duration.fromInputUnsafe(options.maxWait ?? "5 minutes"))

    return Stream.callback<Ensured, E, R>((queue) =>
      Effect.gen(function*() {
        const clock = yield* Clock.Clock
        const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
        const lanes = new Map<string, Lane<W>>()
        /** Those where somebody waits, whoever is served next first; there may be as many issuers as there are tenants. */
        const lined = new Set<Lane<W>>()
        /** Those where somebody waits until it is time, and when that is for the first of them. */
        const resting = new Set<Lane<W>>()
        let restedAt = Infinity
        let sweepAt = 1000
        let running = 0
        let waiting = 0
        let isEnded = false
        // Woken when something has changed.
        let changed = Deferred.makeUnsafe<void>()
        const wake = () => {
          const before = changed
          // First, because whoever waits may go on at once, and wait again.
          changed = Deferred.makeUnsafe()
          Deferred.doneUnsafe(before, Exit.void)
        }
        const emit = (outcome: Ensured) => Effect.asVoid(Queue.offer(queue, outcome))
        /**
         * Whether it can be told without the issuer what became of one: there is a registration, or there can be none. A store
         * that is away is not asked for each.
         */
        const isTold = Effect.fnUntraced(function*(lane: Lane<W>, item: Item<W>) {
          if (item.isMissing || isAway(lane.error)) return false
          const found = yield* Effect.result(find(item.wanted))
          if (Result.isFailure(found)) {
            if (!isAway(found.failure)) return yield* Effect.as(fail(item, found.failure), true)
            lane.error = found.failure
            return false
          }
          item.isMissing = found.success === undefined
          return found.success === undefined
            ? false
            : yield* Effect.as(emit({ ...item.key, _tag: "Ensured", client: found.success }), true)
        })
        const fail = ({ key }: Item<W>, error: RegistrationError) => emit({ ...key, _tag: "Failed", error })
        const postpone = ({ key }: Item<W>, error: RegistrationError) => emit({ ...key, _tag: "Postponed", error })

        // ------------------------------------------------------------------ lanes
        const rest = (lane: Lane<W>) => {
          lined.delete(lane)
          resting.add(lane)
          restedAt = Math.min(restedAt, lane.readyAt)
        }
        const lineUp = (lane: Lane<W>) => {
          if (lane.readyAt > now() && !lane.isLeft) rest(lane)
          else lined.add(lane)
        }
        /** Brings back those whose time has come. */
        const rouse = (time: number) => {
          if (time < restedAt) return
          restedAt = Infinity
          for (const lane of resting) {
            if (lane.readyAt > time && !lane.isLeft) restedAt = Math.min(restedAt, lane.readyAt)
            else {
              resting.delete(lane)
              lined.add(lane)
            }
          }
        }
        const leave = (lane: Lane<W>) => {
          lane.isLeft = true
          restedAt = -Infinity
        }
        const laneOf = (issuer: string): Lane<W> => {
          const known = lanes.get(issuer)
          if (known !== undefined) return known
          if (lanes.size >= sweepAt) {
            const time = now()
            for (const [name, lane] of lanes) {
              // There is nothing to remember of it.
              if (lane.waiting.length + lane.running + lane.failures === 0 && lane.readyAt <= time && !lane.isLeft) {
                lanes.delete(name)
              }
            }
            sweepAt = Math.max(1000, 2 * lanes.size)
          }
          const lane = { waiting: [], running: 0, readyAt: 0, failures: 0, isLeft: false, error: undefined }
          lanes.set(issuer, lane)
          return lane
        }

        // ------------------------------------------------------------------ outcomes
        const again = (lane: Lane<W>, item: Item<W>, pause: number) => {
          lane.readyAt = Math.max(lane.readyAt, now() + pause)
          lane.waiting.unshift(item)
          waiting++
          lineUp(lane)
        }
        const judge = (lane: Lane<W>, item: Item<W>, error: RegistrationError): Effect.Effect<void> => {
          item.isMissing = true
          const failed = fail(item, error)
          const retryAfter = error.isSafeToRepeat ? Duration.toMillis(error.retryAfter ?? Duration.zero) : 0
          if (!isAiling(error)) {
            lane.failures = 0
            if (retryAfter === 0) return failed
          }
          lane.error = error
          if (retryAfter > 0) {
            if (retryAfter > maxWait) {
              leave(lane)
              return postpone(item, error)
            }
            return Effect.sync(() => again(lane, item, retryAfter))
          }
          lane.failures++
          item.attempts++
          if (lane.failures >= giveUpAfter) leave(lane)
          if (!mayPass(error)) return failed
          if (lane.isLeft) return postpone(item, error)
          if (item.attempts >= attempts) return failed
          return Effect.sync(() => again(lane, item, Math.min(250 * 2 ** (lane.failures - 1), 30_000)))
        }
        const work = (lane: Lane<W>, item: Item<W>) =>
          Effect.result(ensure(item.wanted)).pipe(
            Effect.flatMap(Result.match({
              onFailure: (error) => judge(lane, item, error),
              onSuccess: (client) => {
                lane.failures = 0
                return emit({ ...item.key, _tag: "Ensured", client })
              }
            })),
            Effect.ensuring(Effect.sync(() => {
              running--
              lane.running--
              wake()
            }))
          )

        // ------------------------------------------------------------------ turns
        /** One at a time, to see whether it is well again. */
        const room = (lane: Lane<W>) => (lane.failures > 0 ? 1 : perIssuer) - lane.running
        /** Whether there is enough to do for everybody who could do it. */
        const isBusy = (time: number) => {
          let count = running
          for (const lane of lined) {
            if (count >= concurrency) break
            if (lane.readyAt <= time) count += Math.max(0, Math.min(lane.waiting.length, room(lane)))
          }
          return count >= concurrency
        }
        const dispatch = Effect.gen(function*() {
          const time = now()
          rouse(time)
          for (const lane of lined) {
            while (lane.isLeft && lane.error !== undefined) {
              const item = lane.waiting.pop()
              if (item === undefined) break
              waiting--
              if (!(yield* isTold(lane, item))) yield* postpone(item, lane.error)
            }
            while (running < concurrency && lane.readyAt <= time && room(lane) > 0) {
              const item = lane.waiting.shift()
              if (item === undefined) break
              waiting--
              running++
              lane.running++
              yield* Effect.forkScoped(work(lane, item))
            }
            if (lane.waiting.length === 0) lined.delete(lane)
            else if (lane.readyAt > time && !lane.isLeft) rest(lane)
            // Whoever was served last is the first one the next time.
            if (running >= concurrency) {
              if (lined.delete(lane)) lined.add(lane)
              break
            }
          }
        })

        const admit = Effect.fnUntraced(function*(wanted: W) {
          const issuer = typeof wanted.server === "string" ? wanted.server : wanted.server.issuer
          const item: Item<W> = {
            wanted,
            key: { issuer, profile: wanted.profile },
            attempts: 0,
            isMissing: false
          }
          for (;;) {
            const lane = laneOf(issuer)
            // Who has a registration need not wait for anybody.
            if ((lane.isLeft || lane.readyAt > now()) && (yield* isTold(lane, item))) return
            if (lane.isLeft && lane.error !== undefined) return yield* postpone(item, lane.error)
            const time = now()
            // As far ahead as is needed to keep everybody busy. Who need not wait takes nobody's place.
            const isNext = lane.readyAt <= time && lane.waiting.length < room(lane)
            if (!isBusy(time) && (waiting < capacity || isNext)) {
              lane.waiting.push(item)
              waiting++
              lineUp(lane)
              return wake()
            }
            if (waiting >= capacity && lane.readyAt > time && lane.error !== undefined) {
              return yield* postpone(item, lane.error)
            }
            yield* Deferred.await(changed)
          }
        })
        yield* Stream.runForEach(all, admit).pipe(
          Effect.ensuring(Effect.sync(() => {
            isEnded = true
            wake()
          })),
          Effect.catchCause((cause) => Queue.failCause(queue, cause)),
          Effect.forkScoped
        )

        for (;;) {
          const news = changed
          yield* dispatch
          if (isEnded && waiting === 0 && running === 0) break
          const pause = restedAt - now()
          yield* pause === Infinity
            ? Deferred.await(news)
            : Effect.raceFirst(Deferred.await(news), Effect.sleep(Math.max(0, pause)))
        }
        yield* Queue.end(queue)
      }), { bufferSize: concurrency, strategy: "suspend" })
  }

/** Counts what became of many, without keeping them. */
export const summarize = <E, R>(
  outcomes: Stream.Stream<Ensured, E, R>
): Effect.Effect<EnsureAllSummary, E, R> =>
  Effect.suspend(() => {
    const counts = { Ensured: 0, Failed: 0, Postponed: 0 }
    const reasons = new Map<string, number>()
    return Effect.map(
      Stream.runForEach(outcomes, (outcome) =>
        Effect.sync(() => {
          counts[outcome._tag]++
          if (outcome._tag === "Ensured") return
          const tag = outcome.error.reason._tag
          reasons.set(tag, (reasons.get(tag) ?? 0) + 1)
        })),
      () => ({
        ensured: counts.Ensured,
        failed: counts.Failed,
        postponed: counts.Postponed,
        reasons: Object.fromEntries(reasons)
      })
    )
  })

/** What says something of the issuer, or of the store, and not of the one registration. */
const isAiling = (error: RegistrationError): boolean => {
  switch (error.reason._tag) {
    case "Transport":
    case "DiscoveryFailed":
    case "OutcomeUnknown":
    case "StoreFailed":
      return true
    default:
      return error.mayHaveSucceeded && error.registered === undefined
  }
}

/** Whether another attempt is worth while, and can make no second client. */
const mayPass = ({ isSafeToRepeat, reason, registered }: RegistrationError): boolean =>
  isSafeToRepeat ||
  (reason._tag === "StoreFailed" && registered === undefined &&
    ["Unavailable", "ReadOnly", "Conflict", "LeaseLost"].includes(reason.problem))

const isAway = (error: RegistrationError | undefined): boolean =>
  error?.reason._tag === "StoreFailed" && error.reason.problem === "Unavailable"

const atLeastOne = (value: number | undefined, usual: number): number =>
  value === undefined || Number.isNaN(value) ? usual : Math.max(1, value)
