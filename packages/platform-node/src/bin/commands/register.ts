/**
 * `effect-dcr register`: registers a client once, and keeps it (RFC 7591).
 *
 * @internal
 */
import { fapi2, mcp, openid } from "@effect-dcr/core/MetadataPreset"
import * as Registrar from "@effect-dcr/core/Registrar"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { metadataFlags, oneStandardInput, readMetadata, readToken, tokenFile } from "../input.ts"
import { print, waiting } from "../output.ts"
import { clientJson, clientText, sections, titleText } from "../render.ts"
import { reporting } from "../report.ts"
import { issuer, profile } from "../settings.ts"
import { style } from "../style.ts"
import { callOptions, registrar } from "../world.ts"
import { outcomeOf, outcomeWord, remarkText } from "./outcome.ts"

const preset = Flag.ChoiceWithValue("preset", [["openid", openid], ["fapi2", fapi2], ["mcp", mcp]]).pipe(
  Flag.withDescription("Fill in and check what an ecosystem asks for"),
  Flag.withMetavar("NAME"),
  Flag.optional
)

export const register = Command.make(
  "register",
  { issuer, profile, tokenFile, preset, ...metadataFlags },
  Effect.fnUntraced(
    function*({ issuer, preset, profile, tokenFile, ...input }) {
      const { ensure, get } = yield* Registrar.Registrar
      yield* oneStandardInput({ tokenFile, metadata: input.metadata })
      const metadata = yield* readMetadata(input)
      const initialAccessToken = yield* readToken(tokenFile)
      const before = yield* get({ issuer, profile })
      const client = yield* ensure({
        server: issuer,
        profile,
        metadata,
        options: {
          ...yield* callOptions,
          initialAccessToken,
          preset: Option.getOrUndefined(preset)
        }
      }).pipe(waiting(`registering at ${issuer}`, true))
      const outcome = outcomeOf(Option.getOrUndefined(before), client)
      const isNew = outcome === "registered" || outcome === "replaced"
      yield* print({
        json: { profile, outcome, isNew, ...yield* clientJson(client) },
        text: Effect.gen(function*() {
          const look = yield* style
          return sections([
            titleText(look.good(outcomeWord[outcome]), { issuer: client.issuer, profile }, look),
            remarkText(outcome, look),
            yield* clientText(client, { filledIn: isNew })
          ])
        })
      })
    },
    Effect.provide(registrar),
    reporting
  )
).pipe(
  Command.withDescription(
    "Register a client and keep it. The same command again finds what is kept; with other metadata it updates the " +
      "registration, or replaces it where the server does not let it be updated."
  ),
  Command.withShortDescription("Register a client, once"),
  Command.withExamples([
    {
      command: "effect-dcr register https://op.example.com --redirect-uri https://app.example.com/cb --name \"My app\"",
      description: "Register a web application"
    },
    {
      command: "effect-dcr register https://op.example.com --metadata client.json --token-file token.txt",
      description: "Register what a file says, with an initial access token"
    },
    {
      command: "pass show op/token | effect-dcr register https://op.example.com --metadata client.json --token-file -",
      description: "Take the token from standard input"
    }
  ])
)
