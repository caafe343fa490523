/**
 * Answers that real servers give and that clients stumble over, each given by a server on loopback to three clients:
 * oauth4webapi, the MCP SDK's `registerClient`, and this SDK.
 */
import { ClientRegistration, type RegisteredClient, type RegistrationError } from "@effect-dcr/core"
import { NodeRegistration } from "@effect-dcr/platform-node"
import { registerClient } from "@modelcontextprotocol/sdk/client/auth.js"
import { Effect, Redacted, Result } from "effect"
import { readFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import * as oauth from "oauth4webapi"
import { httpServer } from "./nodeServers.ts"

// -----------------------------------------------------------------------------
// the answers
// -----------------------------------------------------------------------------

const redirect_uris = ["https://app.example.com/cb"]

const asked = { redirect_uris, client_name: "App", token_endpoint_auth_method: "client_secret_basic", scope: "openid" }

/** What the server registers unless a case says otherwise. */
const good = {
  ...asked,
  client_id: "c1",
  client_secret: "s3cret-s3cret",
  client_secret_expires_at: 0,
  client_id_issued_at: 1_700_000_000
}

export interface Case {
  /** What the server answers, in words. */
  readonly answer: string
  /** Whether a client exists at the server afterwards. */
  readonly creates: boolean
  readonly give: (response: ServerResponse, request: IncomingMessage, elsewhere: string) => void
  /** The member that the case is about, to show what each client makes of it. */
  readonly member?: string
  /** Whether it is no answer at all. */
  readonly isSilent?: boolean
}

const json =
  (status: number, body: unknown, headers: { readonly [name: string]: string } = {}) => (response: ServerResponse) => {
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers })
    response.end(typeof body === "string" ? body : JSON.stringify(body))
  }

const created = (answer: string, members: object, member?: string): Case => ({
  answer,
  creates: true,
  give: json(201, { ...good, ...members }),
  ...(member === undefined ? undefined : { member })
})

const refused = (answer: string, give: Case["give"]): Case => ({ answer, creates: false, give })

/** Four times what this SDK reads. */
const padding = "x".repeat(4 * 1024 * 1024)

export const cases: ReadonlyArray<Case> = [
  { answer: "status 200 instead of 201", creates: true, give: json(200, good) },
  {
    answer: "201 as `text/plain`",
    creates: true,
    give: json(201, good, { "content-type": "text/plain" })
  },
  created("`contacts: null`, `logo_uri: \"\"`, `client_uri: \"\"`, `tos_uri: null`", {
    contacts: null,
    logo_uri: "",
    client_uri: "",
    tos_uri: null
  }, "contacts"),
  created("`client_secret: null`, for a client that is public", {
    client_secret: null,
    client_secret_expires_at: undefined,
    token_endpoint_auth_method: "none"
  }, "client_secret"),
  created("a secret without `client_secret_expires_at`", { client_secret_expires_at: undefined }),
  created("`client_secret_expires_at: null`", { client_secret_expires_at: null }, "client_secret_expires_at"),
  created("`client_secret_expires_at: \"0\"`", { client_secret_expires_at: "0" }, "client_secret_expires_at"),
  created(
    "`client_secret_expires_at` in milliseconds",
    { client_secret_expires_at: 4_102_444_800_000 },
    "client_secret_expires_at"
  ),
  created("`client_id` as a number", { client_id: 17 }, "client_id"),
  created("`scope` as a list", { scope: ["openid", "email"] }, "scope"),
  created("`redirect_uris` not returned", { redirect_uris: undefined }, "redirect_uris"),
  created("another redirect URI than asked for", { redirect_uris: ["https://other.example.com/cb"] }, "redirect_uris"),
  created("`client_secret_basic` registered, and no secret", {
    client_secret: undefined,
    client_secret_expires_at: undefined
  }),
  created("`application_type: \"service\"`", { application_type: "service" }, "application_type"),
  created("a relative `registration_client_uri`", {
    registration_access_token: "t0ken-t0ken",
    registration_client_uri: "/register/c1"
  }, "registration_client_uri"),
  {
    answer: "201 with a byte order mark before the JSON",
    creates: true,
    give: json(201, `\ufeff${JSON.stringify(good)}`)
  },
  {
    answer: "201 with the whole JSON in one chunk, and the connection is closed without the last chunk",
    creates: true,
    give: (response) => {
      response.writeHead(201, { "content-type": "application/json", "cache-control": "no-store" })
      response.write(JSON.stringify(good), () => response.socket?.end())
    }
  },
  {
    answer: "201 with the whole JSON, and never its end",
    creates: true,
    give: (response) => {
      response.writeHead(201, { "content-type": "application/json", "cache-control": "no-store" })
      response.write(JSON.stringify(good))
    },
    isSilent: true
  },
  { answer: "201 without a body", creates: true, give: json(201, "") },
  {
    answer: "201 with 4 MB of JSON",
    creates: true,
    give: json(201, { ...good, padding })
  },
  {
    answer: "the connection is reset after the client was created",
    creates: true,
    give: (response) => {
      response.socket?.resetAndDestroy()
    }
  },
  { answer: "no answer, although the client was created", creates: true, give: () => {}, isSilent: true },
  {
    answer: "307 to another host",
    creates: false,
    give: (response, _, elsewhere) => json(307, "", { location: elsewhere })(response)
  },
  {
    answer: "302 to another host",
    creates: false,
    give: (response, _, elsewhere) => json(302, "", { location: elsewhere })(response)
  },
  refused("an error object with status 200", json(200, { error: "invalid_client_metadata", error_description: "no" })),
  refused("400 with `{\"message\": ...}` and no `error`", json(400, { message: "scope is not allowed" })),
  refused(
    "400 with an error object as `text/plain`",
    json(400, { error: "invalid_redirect_uri", error_description: "no" }, {
      "content-type": "text/plain"
    })
  ),
  refused(
    "502 with a page of HTML",
    json(502, `<!DOCTYPE html><html><body>${"<p>Bad gateway</p>".repeat(40)}</body></html>`, {
      "content-type": "text/html"
    })
  ),
  refused(
    "401 without a body, two challenges in one line",
    json(401, "", {
      "www-authenticate":
        "Bearer realm=\"r\", error=\"invalid_token\", error_description=\"expired\", DPoP algs=\"ES256\""
    })
  ),
  refused("429 with `Retry-After: 3600`", json(429, "", { "retry-after": "3600" })),
  refused(
    "a description of several lines with an escape sequence",
    json(400, { error: "access_denied", error_description: "no\r\n2026-01-01 INFO all is well \u001b[31m" })
  )
]

// -----------------------------------------------------------------------------
// the clients
// -----------------------------------------------------------------------------

/** What a client made of an answer. */
export interface Outcome {
  /** The identifier that the caller has afterwards, if any. */
  readonly clientId: unknown
  readonly text: string
  /** Whether the server at the other host got the metadata. */
  readonly sentElsewhere: boolean
}

const oneLine = (text: string, length = 110): string => {
  const line = text.replace(/127\.0\.0\.1:\d+/g, "op.example").replace(/[\p{Cc}\s]+/gu, " ").trim()
  return line.length > length ? `${line.slice(0, length)}…` : line
}

const code = (value: unknown): string =>
  value === undefined ? "none" : `\`${JSON.stringify(value).replace(/127\.0\.0\.1:\d+/g, "op.example")}\``

const success = (client: object, member: string | undefined): string => {
  const value: unknown = member === undefined ? undefined : Reflect.get(client, member)
  return member === undefined ? "a client" : `a client, ${member}: ${code(value)}`
}

/** The issues of a schema error are told in short, since its message is a page of JSON. */
const issuesOf = (error: Error): string => {
  const issues: unknown = Reflect.get(error, "issues")
  if (!Array.isArray(issues)) return error.message
  return issues.map((issue: unknown) => {
    if (typeof issue !== "object" || issue === null) return String(issue)
    const path: unknown = Reflect.get(issue, "path")
    return `${Array.isArray(path) ? path.join(".") : ""}: ${String(Reflect.get(issue, "message"))}`
  }).join("; ")
}

/** What would forge lines or colours of a log, and what would fill it, is told. */
const failure = (error: unknown): string => {
  if (!(error instanceof Error)) return oneLine(String(error))
  const { message } = error
  const notes = [
    ...(message.includes("\u001b") ? ["its line breaks and escapes included"] : []),
    ...(message.length > 500 && issuesOf(error) === message ? ["the whole page included"] : [])
  ]
  return `${error.constructor.name}: ${oneLine(issuesOf(error))}${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`
}

/** For an answer that comes, on a machine that is busy. */
const patience = 20_000

/** For one that never comes. This SDK gets a deadline of a second less. */
const shortPatience = 2500

const waiting = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("it still waits")))
  })

type Client = (
  server: { readonly issuer: string; readonly registration_endpoint: string },
  one: Case
) => Promise<{ readonly clientId: unknown; readonly text: string }>

const timed = async (
  one: Case,
  run: (signal: AbortSignal) => Promise<{ readonly clientId: unknown; readonly text: string }>
): Promise<{ readonly clientId: unknown; readonly text: string }> => {
  const controller = new AbortController()
  const limit = one.isSilent === true ? shortPatience : patience
  const timer = setTimeout(() => controller.abort(), limit)
  try {
    return await Promise.race([run(controller.signal), waiting(controller.signal)])
  } catch (error) {
    return {
      clientId: undefined,
      text: controller.signal.aborted ? `still waits after ${limit / 1000} seconds` : failure(error)
    }
  } finally {
    clearTimeout(timer)
  }
}

const seed: Client = (server, one) =>
  timed(one, async (signal) => {
    const response = await oauth.dynamicClientRegistrationRequest(server, asked, {
      [oauth.allowInsecureRequests]: true,
      signal
    })
    const client = await oauth.processDynamicClientRegistrationResponse(response)
    return { clientId: client.client_id, text: success(client, one.member) }
  })

const mcp: Client = (server, one) =>
  timed(one, async (signal) => {
    const client = await registerClient(server.issuer, {
      metadata: {
        ...server,
        authorization_endpoint: server.issuer,
        token_endpoint: server.issuer,
        response_types_supported: []
      },
      clientMetadata: { ...asked, redirect_uris: [...redirect_uris] },
      fetchFn: (url, init) => fetch(url, { ...init, signal })
    })
    return { clientId: client.client_id, text: success(client, one.member) }
  })

const told = (
  { deviations, differences, information }: RegisteredClient.RegisteredClient,
  member: string | undefined
): string => {
  const secret = information.client_secret
  const shown = { ...information, client_secret: secret === undefined ? undefined : Redacted.value(secret) }
  const differs = [...differences.replaced, ...differences.dropped].map(({ member }) => member)
  return [
    success(shown, member),
    ...(deviations.length === 0
      ? []
      : [`deviations: ${[...new Set(deviations.map(({ id }) => `\`${id}\``))].join(", ")}`]),
    ...(differs.length === 0 ? [] : [`differs: ${differs.join(", ")}`])
  ].join("; ")
}

const explained = (error: RegistrationError.RegistrationError): string => {
  const { reason, retryAfter } = error
  const detail = "why" in reason ? ` (${reason.why})` : "problem" in reason ? ` (${reason.problem})` : ""
  return `\`${reason._tag}\`${detail}: ${oneLine(error.message.replace(/ \(POST [^)]*\)$/, ""))}${
    retryAfter === undefined ? "" : "; `retryAfter` is set"
  }`
}

const ours: Client = (server, one) =>
  timed(one, async () => {
    const result = await Effect.runPromise(
      ClientRegistration.register(server, asked, one.isSilent === true ? { deadline: shortPatience - 1000 } : {}).pipe(
        Effect.provide(NodeRegistration.layer),
        Effect.result
      )
    )
    return Result.isSuccess(result)
      ? { clientId: result.success.information.client_id, text: told(result.success, one.member) }
      : { clientId: result.failure.clientId, text: explained(result.failure) }
  })

export const clients = { oauth4webapi: seed, "the MCP SDK": mcp, "this SDK": ours } as const

// -----------------------------------------------------------------------------
// running
// -----------------------------------------------------------------------------

/** One answer for one client, from a server of its own. */
const runOne = (one: Case, client: Client) =>
  Effect.scoped(Effect.gen(function*() {
    let sentElsewhere = false
    const other = yield* httpServer((request, response) => {
      let body = ""
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString()
      }).on("end", () => {
        sentElsewhere = body.includes("app.example.com")
        json(201, { ...good, client_id: "of-another-host" })(response)
      })
    })
    const server = yield* httpServer((request, response) => {
      // The whole request is read first: the client exists now.
      request.resume().on("end", () => one.give(response, request, `${other.origin}/register`))
    })
    const outcome = yield* Effect.promise(() =>
      client({ issuer: server.origin, registration_endpoint: `${server.origin}/register` }, one)
    )
    return { ...outcome, sentElsewhere } satisfies Outcome
  }))

export interface Row {
  readonly case: Case
  readonly outcomes: { readonly [Name in keyof typeof clients]: Outcome }
}

/** Every answer for every client. */
export const run: Effect.Effect<ReadonlyArray<Row>> = Effect.forEach(
  cases,
  (one) =>
    Effect.map(
      Effect.all({
        oauth4webapi: runOne(one, clients.oauth4webapi),
        "the MCP SDK": runOne(one, clients["the MCP SDK"]),
        "this SDK": runOne(one, clients["this SDK"])
      }, { concurrency: 3 }),
      (outcomes): Row => ({ case: one, outcomes })
    ),
  { concurrency: 6 }
)

// -----------------------------------------------------------------------------
// the page
// -----------------------------------------------------------------------------

type Name = keyof typeof clients

const names: ReadonlyArray<Name> = ["oauth4webapi", "the MCP SDK", "this SDK"]

/** Whether the server has a client that the caller knows nothing of. */
export const isLost = (row: Row, name: Name): boolean => row.case.creates && row.outcomes[name].clientId === undefined

const cell = (row: Row, name: Name): string => {
  const { sentElsewhere, text } = row.outcomes[name]
  const said = [
    isLost(row, name) ? "**no client.** " : "",
    text,
    sentElsewhere ? "; the metadata went to the other host" : ""
  ]
  return said.join("").replaceAll("|", "\\|").replaceAll("<", "&lt;")
}

const versionOf = (name: string): string => {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), "utf8")
  )
  return `${name} ${String(typeof manifest === "object" && manifest !== null ? Reflect.get(manifest, "version") : "")}`
}

/** The page `docs/awkward-answers.md`. */
export const page = (rows: ReadonlyArray<Row>): string => {
  const created = rows.filter((row) => row.case.creates)
  const kept = (name: Name) => created.length - created.filter((row) => isLost(row, name)).length
  return [
    "# Awkward answers",
    "",
    "What three clients make of answers that real servers give. Each answer was given by a server on loopback to each client,",
    "by `test/interop/awkwardAnswers.test.ts`, which writes this page with `npm run interop -- awkwardAnswers -u` and fails when",
    "the page is not current. All were asked for the same client, with the same metadata.",
    `${versionOf("oauth4webapi")}, ${versionOf("@modelcontextprotocol/sdk")} (its \`registerClient\`).`,
    "",
    "\"No client\" means that a client exists at the server and that the call ended without giving its `client_id` to the caller.",
    `Of the ${created.length} answers after which a client exists, the caller has its \`client_id\``,
    `after ${names.map((name) => `${kept(name)} with ${name}`).join(", ")}.`,
    "The rest cannot be read by anybody, or only by reading without a limit.",
    "",
    `| | the server answers | ${names.join(" | ")} |`,
    "| --- | --- | --- | --- | --- |",
    ...rows.map((row, index) =>
      `| ${index + 1} | ${row.case.answer.replaceAll("|", "\\|")} | ${
        names.map((name) => cell(row, name)).join(" | ")
      } |`
    ),
    ""
  ].join("\n")
}
