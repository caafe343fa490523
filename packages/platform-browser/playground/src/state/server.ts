/** Which server, and what it says about itself. */
import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import { computed, signal } from "@preact/signals"
import * as Result from "effect/Result"
import { runOperation } from "../runtime.ts"
import { announce } from "./announcer.ts"

type State =
  | { readonly _tag: "none" }
  | { readonly _tag: "asking" }
  | { readonly _tag: "found"; readonly discovery: AuthorizationServer.Discovery }
  | { readonly _tag: "failed"; readonly error: RegistrationError }

/** As typed. */
export const issuer = signal(new URLSearchParams(location.search).get("issuer") ?? "")

export const state = signal<State>({ _tag: "none" })

/** The server that was found. */
export const server = computed(() => state.value._tag === "found" ? state.value.discovery.server : undefined)

export const discover = async (): Promise<void> => {
  const asked = issuer.value.trim()
  if (asked === "") return
  state.value = { _tag: "asking" }
  const found = await runOperation("Discover", AuthorizationServer.discoverDetails(asked), { dpop: false })
  if (Result.isSuccess(found)) {
    state.value = { _tag: "found", discovery: found.success }
    announce(`Found ${found.success.server.issuer}`)
  } else {
    state.value = { _tag: "failed", error: found.failure }
    announce("Not found")
  }
  const url = new URL(location.href)
  url.searchParams.set("issuer", asked)
  history.replaceState(null, "", url)
}
