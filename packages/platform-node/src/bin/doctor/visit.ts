/**
 * One visit at a server: what is asked there, and what was made there, which is deleted again at its end, whatever happens.
 *
 * @internal
 */
import type { AuthorizationServer } from "@effect-dcr/core/AuthorizationServer"
import * as ClientConfiguration from "@effect-dcr/core/ClientConfiguration"
import type { ClientMetadata } from "@effect-dcr/core/ClientMetadata"
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import type { DpopSigner } from "@effect-dcr/core/DpopSigner"
import * as MetadataRule from "@effect-dcr/core/MetadataRule"
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import type * as Redacted from "effect/Redacted"
import type * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Secrets } from "../secrets.ts"
import { refusalOf } from "./findings.ts"
import type { Made } from "./report.ts"

export interface Visit {
  readonly server: AuthorizationServer
  /** What registrations are authorized with, if the server wants that. */
  readonly initialAccessToken: Redacted.Redacted<string> | undefined
  readonly dangerouslyAllowInsecureRequests: boolean
  /** Tries a registration, by no rule but the server's own. */
  readonly register: (
    metadata: ClientMetadata
  ) => Effect.Effect<Result.Result<RegisteredClient, RegistrationError>, never, HttpClient | DpopSigner>
  /** The newest state of a client that was made here; only it can be deleted. */
  readonly keep: (client: RegisteredClient) => void
  readonly isGone: (client: RegisteredClient) => void
  /** Deletes what is left of what was made, and says what became of all of it. */
  readonly leave: Effect.Effect<ReadonlyArray<Made>, never, HttpClient | DpopSigner>
}

interface Kept {
  readonly client: RegisteredClient
  readonly made: Made | undefined
}

export const make = Effect.fnUntraced(function*(
  options: Pick<Visit, "server" | "initialAccessToken" | "dangerouslyAllowInsecureRequests">
): Effect.fn.Return<Visit, never, Scope.Scope | HttpClient | DpopSigner | Secrets> {
  const { dangerouslyAllowInsecureRequests, initialAccessToken, server } = options
  const { rememberClient } = yield* Secrets
  const clients = new Map<string, Kept>()
  const keep = (client: RegisteredClient, made?: Made): void => {
    rememberClient(client)
    clients.set(client.information.client_id, { client, made })
  }
  const remove = Effect.fnUntraced(function*({ client, made }: Kept) {
    if (made !== undefined) return made
    const clientId = client.information.client_id
    const outcome = yield* Effect.match(
      ClientConfiguration.remove(client, { dangerouslyAllowInsecureRequests }),
      {
        onFailure: (error): Made => ({ clientId, deleted: false, why: refusalOf(error) }),
        onSuccess: (): Made => ({ clientId, deleted: true })
      }
    )
    keep(client, outcome)
    return outcome
  })
  const leave = Effect.suspend(() => Effect.forEach(Array.from(clients.values()), remove))
  yield* Effect.addFinalizer(() => leave)
  return {
    ...options,
    register: (metadata) =>
      ClientRegistration.register(server, metadata, {
        rulesOff: MetadataRule.rules.map(({ id }) => id),
        initialAccessToken,
        dangerouslyAllowInsecureRequests
      }).pipe(
        Effect.tap((client) => Effect.sync(() => keep(client))),
        Effect.result,
        // A client that was made while somebody pressed the key is deleted as well.
        Effect.uninterruptible
      ),
    keep,
    isGone: (client) => keep(client, { clientId: client.information.client_id, deleted: true }),
    leave
  }
})
