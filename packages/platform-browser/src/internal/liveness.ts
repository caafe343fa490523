/**
 * Web Locks as a sign of life: whoever holds a lease holds a lock of its own name, which the browser takes away when the tab
 * or the worker ends, however it ends.
 *
 * @internal
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Liveness {
  /** Takes a new lock, until it is dropped or the scope ends. Its name, empty where there are no Web Locks. */
  readonly hold: Effect.Effect<string>
  /** Gives a lock back. Another's, or one that was given back, is none of our business. */
  readonly drop: (name: string) => Effect.Effect<void>
  /** Whether nobody holds a lock of this name any more. Unknown, and so `false`, where there are no Web Locks. */
  readonly isGone: (name: string) => Effect.Effect<boolean>
}

export const make: Effect.Effect<Liveness, never, Scope.Scope> = Effect.gen(function*(): Effect.fn.Return<
  Liveness,
  never,
  Scope.Scope
> {
  // Pages from plain http have none, and neither have frames of an opaque origin, where it throws.
  const locks = globalThis.isSecureContext ? lockManager() : undefined
  const held = new Map<string, () => void>()
  yield* Effect.addFinalizer(() => Effect.sync(() => held.forEach((release) => release())))
  if (locks === undefined) {
    return {
      hold: Effect.succeed(""),
      drop: () => Effect.void,
      isGone: () => Effect.succeed(false)
    }
  }
  return {
    hold: Effect.promise(() =>
      new Promise<string>((resolve) => {
        const name = `effect-dcr lease ${crypto.randomUUID()}`
        locks.request(name, () =>
          new Promise<void>((release) => {
            held.set(name, release)
            resolve(name)
          })).catch(() => resolve(""))
      })
    ),
    drop: (name) =>
      Effect.sync(() => {
        held.get(name)?.()
        held.delete(name)
      }),
    isGone: (name) =>
      name === ""
        ? Effect.succeed(false)
        : Effect.promise(() =>
          // A name is used once, so that this takes it from nobody.
          locks.request(name, { ifAvailable: true }, (lock) => lock !== null).catch(() => false)
        )
  }
})

const lockManager = (): LockManager | undefined => {
  try {
    const { locks }: { readonly locks: LockManager | undefined } = navigator
    return locks
  } catch {
    return undefined
  }
}
