/**
 * Lets a test run programs in a page, in a worker and in a service worker: the module that calls {@link serve} is the script of
 * all three.
 */
import type { RegistrationError } from "@effect-dcr/core"
import { Effect } from "effect"

export type Where = "window" | "worker" | "serviceWorker"

/** What a program gets and gives is what structured clones can carry. */
export type Program = (
  input: Readonly<Record<string, unknown>>
) => Effect.Effect<unknown, RegistrationError.RegistrationError>

export interface Runner {
  readonly run: (where: Where, name: string, input: Readonly<Record<string, unknown>>) => Promise<unknown>
}

declare global {
  interface Window {
    runner: Runner
  }
}

interface Order {
  readonly name: string
  readonly input: Readonly<Record<string, unknown>>
}

/** What came of a program: its value, or what its failure says. */
const outcome = (program: Program | undefined, { input, name }: Order): Promise<unknown> =>
  Effect.runPromise(
    Effect.suspend(() => program === undefined ? Effect.die(new Error(`no such program: ${name}`)) : program(input))
      .pipe(
        Effect.match({
          onFailure: (error) => ({
            failed: error.reason,
            message: error.message,
            isSafeToRepeat: error.isSafeToRepeat,
            json: JSON.stringify(error)
          }),
          onSuccess: (value) => value
        }),
        Effect.catchDefect((defect) => Effect.succeed({ died: String(defect) }))
      )
  )

const isWindow = typeof document !== "undefined"

const isServiceWorker = "clients" in globalThis

export const serve = (programs: Readonly<Record<string, Program>>): void => {
  const obey = (order: Order) => outcome(programs[order.name], order)
  if (isWindow) {
    const run: Runner["run"] = async (where, name, input) => {
      if (where === "window") return obey({ name, input })
      const channel = new MessageChannel()
      const answer = new Promise<unknown>((resolve) => {
        channel.port1.addEventListener("message", (event: MessageEvent<unknown>) => resolve(event.data), { once: true })
        channel.port1.start()
      })
      const worker = where === "worker" ? new Worker("/page.js", { type: "module" }) : await serviceWorker()
      worker.postMessage({ name, input }, [channel.port2])
      return answer
    }
    window.runner = { run }
  } else {
    globalThis.addEventListener("message", (event: MessageEvent<Order> & Partial<ExtendableEvent>) => {
      const [port] = event.ports
      const work = obey(event.data).then((value) => port?.postMessage(value))
      // A service worker may be stopped as soon as its events are over.
      if (isServiceWorker) event.waitUntil?.(work)
    })
  }
}

interface ExtendableEvent {
  readonly waitUntil: (work: Promise<unknown>) => void
}

const serviceWorker = async (): Promise<ServiceWorker> => {
  await navigator.serviceWorker.register("/page.js", { type: "module" })
  const { active } = await navigator.serviceWorker.ready
  if (active === null) throw new Error("the service worker is not active")
  return active
}
