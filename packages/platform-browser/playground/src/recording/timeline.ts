/** What happened: one entry per operation, and in it each request that was really sent. */
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import type { Measurement } from "@effect-dcr/core/Telemetry"
import { signal } from "@preact/signals"
import type * as Redacted from "effect/Redacted"
import type { Masked } from "./mask.ts"
import type { DecodedProof } from "./proof.ts"

export interface Exchange {
  readonly id: number
  readonly method: string
  readonly url: string
  readonly requestHeaders: { readonly [name: string]: string | Redacted.Redacted<string> }
  readonly requestBody: Masked | undefined
  readonly proof: DecodedProof | undefined
  /** Milliseconds since the operation began. */
  readonly offset: number
  /** Milliseconds until the answer's headers were there. */
  readonly duration?: number | undefined
  readonly status?: number | undefined
  readonly responseHeaders?: { readonly [name: string]: string | Redacted.Redacted<string> } | undefined
  readonly responseBody?: Masked | undefined
  /** Why there is no answer. */
  readonly failure?: string | undefined
}

export interface Operation {
  readonly id: number
  readonly title: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly exchanges: ReadonlyArray<Exchange>
  /** What the SDK itself measured, by the span's name. */
  readonly measurements: ReadonlyArray<Measurement>
  readonly outcome: "running" | "succeeded" | RegistrationError
}

/** The latest operation first. */
export const operations = signal<ReadonlyArray<Operation>>([])

export const clear = () => {
  operations.value = []
}

let last = 0
export const nextId = (): number => ++last

export const add = (operation: Operation) => {
  operations.value = [operation, ...operations.value].slice(0, 50)
}

export const change = (id: number, f: (operation: Operation) => Operation) => {
  operations.value = operations.value.map((operation) => operation.id === id ? f(operation) : operation)
}

export const changeExchange = (operation: number, exchange: number, f: (exchange: Exchange) => Exchange) =>
  change(operation, (found) => ({
    ...found,
    exchanges: found.exchanges.map((one) => one.id === exchange ? f(one) : one)
  }))
