/**
 * Reports a failure, and sees to it that no registration is lost with it.
 *
 * @internal
 */
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import { RegistrationError, RegistrationErrorSchema } from "@effect-dcr/core/RegistrationError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Exit, type Input, isOutcomeUnknown, meaningOf } from "./failure.ts"
import { jsonOf } from "./output.ts"
import { errorText, revealed } from "./render.ts"
import * as Secrets from "./secrets.ts"
import { Dpop, DpopKeyFile, Json } from "./settings.ts"
import { errorStyle, plain } from "./style.ts"
import { messageOf } from "./words.ts"
import { storeDirectory } from "./world.ts"

const encodeError = Schema.encodeEffect(Schema.toCodecJson(RegistrationErrorSchema))

/**
 * Reports the failure of a command on standard error, as text or as JSON, and ends with the exit code of its kind. It is told
 * what the command was called with. No secret that it met is in it, not even with `--reveal`.
 */
export const reporting = <A, E, R>(
  effect: Effect.Effect<A, E | RegistrationError, R>,
  input: Input = {}
) =>
  Effect.catchIf(effect, isRegistrationError, (failure) =>
    Effect.gen(function*() {
      const { rememberClient, scrub } = yield* Secrets.Secrets
      const { registered } = failure
      if (registered !== undefined) rememberClient(registered)
      const error = withUrl(failure, scrub)
      const { code, next } = meaningOf(error, {
        ...input,
        dpop: (yield* Dpop) || Option.isSome(yield* DpopKeyFile),
        directory: yield* Effect.orElseSucceed(storeDirectory, () => undefined)
      })
      const saved = registered === undefined ? undefined : yield* save(registered)
      if (yield* Json) {
        const encoded = yield* Effect.orDie(encodeError(error))
        const mayHaveSucceeded = isOutcomeUnknown(error)
        const message = messageOf(error)
        yield* Console.error(jsonOf({ error: encoded, message, next, saved, mayHaveSucceeded, exitCode: code }, scrub))
      } else {
        yield* Console.error(scrub(errorText(error, next, yield* errorStyle)))
        if (saved !== undefined) yield* Console.error(saved)
      }
      return yield* Effect.fail(new Exit(code))
    })).pipe(Effect.provideServiceEffect(Secrets.Secrets, Secrets.make))

/** The same error, its URL changed before its message cuts it short: half a secret is not found any more. */
const withUrl = (error: RegistrationError, change: (url: string) => string): RegistrationError =>
  error.url === undefined
    ? error
    : new RegistrationError({
      reason: error.reason,
      url: change(error.url),
      ...(error.method === undefined ? undefined : { method: error.method }),
      ...(error.issuer === undefined ? undefined : { issuer: error.issuer }),
      ...(error.clientId === undefined ? undefined : { clientId: error.clientId })
    })

const isRegistrationError = (error: unknown): error is RegistrationError => error instanceof RegistrationError

/** A client that exists and could not be kept: its credentials go into a file that only its owner can read. */
const save = Effect.fnUntraced(function*(client: RegisteredClient) {
  const files = yield* FileSystem.FileSystem
  const { client_id } = client.information
  const path = `effect-dcr-${client_id.replace(/[^\w-]+/g, "_").slice(0, 64)}.json`
  const text = JSON.stringify({ issuer: client.issuer, ...client.extensions, ...revealed(client) })
  return yield* files.writeFileString(path, text, { flag: "wx", mode: 0o600 }).pipe(
    Effect.match({
      onFailure: () => `The client ${plain(client_id)} exists at the server, and its credentials could not be saved.`,
      onSuccess: () =>
        `The client ${
          plain(client_id)
        } exists at the server. Its credentials are in ${path}, with secrets in the clear.`
    })
  )
})
