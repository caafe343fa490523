/** A registration to take away: as JSON, as environment variables, and as the program that does the same. */
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import * as Redacted from "effect/Redacted"
import type { PresetName } from "./presets.ts"

export const formats = ["json", "env", "code"] as const

export type Format = (typeof formats)[number]

export interface ExportOptions {
  /** Whether secrets are written out. */
  readonly secrets: boolean
  readonly dpop: boolean
  readonly preset: PresetName
  /** Whether an initial access token is needed; its value is never written. */
  readonly token: "Bearer" | "DPoP" | undefined
}

export const fileName = (client: RegisteredClient, format: Format): string =>
  ({ json: `${client.information.client_id}.json`, env: "client.env", code: "register.ts" })[format]

export const exportAs = (client: RegisteredClient, format: Format, options: ExportOptions): string =>
  ({ json: toJson, env: toEnv, code: toCode })[format](client, options)

const hidden = "••••••••"

const plain = (value: unknown, secrets: boolean, name = ""): unknown =>
  Redacted.isRedacted(value)
    ? (secrets ? Redacted.value(value) : hidden)
    // Its query can be a secret as well.
    : name.toLowerCase().endsWith("registration_client_uri") && !secrets
    ? String(value).replace(/\?.*$/s, `?${hidden}`)
    : value

const toJson = (client: RegisteredClient, { secrets }: ExportOptions): string =>
  JSON.stringify(
    {
      issuer: client.issuer,
      ...Object.fromEntries(
        Object.entries(client.information).map((
          [name, value]: [string, unknown]
        ) => [name, plain(value, secrets, name)])
      )
    },
    undefined,
    2
  ) + "\n"

const toEnv = ({ information, issuer }: RegisteredClient, { secrets }: ExportOptions): string =>
  Object.entries({
    OAUTH_ISSUER: issuer,
    OAUTH_CLIENT_ID: information.client_id,
    OAUTH_CLIENT_SECRET: information.client_secret,
    OAUTH_REGISTRATION_CLIENT_URI: information.registration_client_uri,
    OAUTH_REGISTRATION_ACCESS_TOKEN: information.registration_access_token
  })
    .flatMap(([name, value]) => value === undefined ? [] : [`${name}=${quote(String(plain(value, secrets, name)))}\n`])
    .join("")

/** For a POSIX shell; `.env` readers take it as well. */
const quote = (text: string): string => /^[\w.:/@%+-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

const toCode = (client: RegisteredClient, { dpop, preset, token }: ExportOptions): string => {
  const asked = Object.fromEntries(
    Object.entries(client.requested).filter(([name]) => !client.filledIn.includes(name))
  )
  const options = [
    ...(preset === "none" ? [] : [`preset: MetadataPreset.${preset}`]),
    ...(token === undefined ? [] : ["initialAccessToken"]),
    ...(token === "DPoP" ? ["initialAccessTokenType: \"DPoP\""] : [])
  ]
  return `import * as AuthorizationServer from "@effect-dcr/core/AuthorizationServer"
import type { ClientMetadata } from "@effect-dcr/core/ClientMetadata"
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
${
    preset === "none"
      ? ""
      : `import * as MetadataPreset from "@effect-dcr/core/MetadataPreset"\n`
  }${""}import * as NodeRegistration from "@effect-dcr/platform-node/NodeRegistration"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
${token === undefined ? "" : `import * as Config from "effect/Config"\n`}${""}import * as Effect from "effect/Effect"

const metadata: ClientMetadata = ${JSON.stringify(asked, undefined, 2)}

const program = Effect.gen(function*() {
${
    token === undefined
      ? ""
      : `  const initialAccessToken = yield* Config.Redacted("INITIAL_ACCESS_TOKEN")\n`
  }${""}  const server = yield* AuthorizationServer.discover(${JSON.stringify(client.issuer)})
  const client = yield* ClientRegistration.register(server, metadata${
    options.length === 0 ? "" : `, { ${options.join(", ")} }`
  })
  yield* Effect.log(client.information.client_id)
})

// In a page: BrowserRegistration of @effect-dcr/platform-browser, and nothing else changes.
program.pipe(Effect.provide(NodeRegistration.${dpop ? "layerDpop()" : "layer"}), NodeRuntime.runMain)
`
}
