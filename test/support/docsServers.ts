/** The servers that the programs of the documentation meet: a process of its own, which ends with its parent. */
import { Effect, Redacted } from "effect"
import { mountedServer } from "./childPrograms.ts"

process.once("disconnect", () => process.exit(0))

const servers = Effect.gen(function*() {
  const plain = yield* mountedServer({})
  const protectedOne = yield* mountedServer({
    initialAccessTokens: [{ value: Redacted.make("an-initial-access-token") }]
  })
  const nonce = yield* mountedServer({ dpop: { nonce: "rotating" } })
  process.send?.({
    "https://op.example.com": plain.issuer,
    "https://protected.example.com": protectedOne.issuer,
    "https://nonce.example.com": nonce.issuer
  })
  return yield* Effect.never
})

Effect.runFork(Effect.scoped(servers))
