/** No secret of a registration is in anything that a program would print, log, trace or send on. */
import {
  AuthorizationServer,
  type ClientMetadata,
  ClientRegistration,
  DpopSigner,
  type RegisteredClient,
  RegistrationError
} from "@effect-dcr/core"
import { NodeHttpClient } from "@effect-dcr/platform-node"
import { NodeHttpClient as EffectNodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer, Logger, Redacted, References, Schema } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { inspect } from "node:util"
import type { Configuration } from "oidc-provider"
import type Provider from "oidc-provider"
import { errors } from "oidc-provider"
import { eventually } from "../support/nodeServers.ts"
import { oidcProvider } from "../support/oidcProvider.ts"
import { recordSpans } from "../support/recordedSpans.ts"

const transports = {
  node: NodeHttpClient.layer,
  undici: EffectNodeHttpClient.layerUndici,
  fetch: FetchHttpClient.layer
}

type Transport = keyof typeof transports

/** With characters that look otherwise once they are encoded. */
const token = "initial/access+token.~with-odd_characters=="

const redirect_uris = ["https://app.example.com/cb"]

/** A secret, as it is and as it would look in a URL, in JSON, in base64 and in an HTML page. */
const formsOf = (secret: string): ReadonlyArray<string> => {
  const base64 = (bytes: string) => Buffer.from(bytes).toString("base64").replace(/=+$/, "").slice(2, -2)
  return [
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).toLowerCase(),
    secret.replaceAll("/", "\\/"),
    secret.replaceAll("+", "&#43;"),
    base64(secret),
    base64(`Bearer ${secret}`)
  ]
}

/** Everything that a program could show of one registration. */
interface Shown {
  readonly exit: Exit.Exit<RegisteredClient.RegisteredClient, RegistrationError.RegistrationError>
  readonly texts: { readonly [where: string]: string }
  readonly secrets: ReadonlyArray<string>
}

const encodeError = Schema.encodeUnknownEffect(RegistrationError.RegistrationErrorSchema)

const deep = { depth: Infinity, maxStringLength: Infinity, maxArrayLength: Infinity, breakLength: Infinity } as const

const json = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => typeof inner === "bigint" ? String(inner) : inner) ?? ""

type Context = Parameters<Parameters<Provider["use"]>[0]>[0]

/** Every text that can be reached through data properties: what a reporter finds that walks objects by itself. */
const reach = (value: unknown): string => {
  const seen = new Set<unknown>()
  const texts: Array<string> = []
  const queue: Array<unknown> = [value]
  while (queue.length > 0) {
    const item = queue.pop()
    if (typeof item === "string") texts.push(item)
    if ((typeof item !== "object" && typeof item !== "function") || item === null || seen.has(item)) continue
    seen.add(item)
    if (item instanceof Uint8Array) texts.push(Buffer.from(item).toString("latin1"))
    else for (const key of Reflect.ownKeys(item)) queue.push(Reflect.getOwnPropertyDescriptor(item, key)?.value)
    if (item instanceof Map || item instanceof Set) queue.push(...item.entries())
  }
  return texts.join("\n")
}

interface Run {
  readonly transport?: Transport
  readonly configuration?: Configuration
  /** Runs around every answer of the server. */
  readonly middleware?: (ctx: Context) => void
  readonly options?: ClientRegistration.RegisterOptions
  readonly metadata?: ClientMetadata.ClientMetadata
  /** Default: the one that the server takes. */
  readonly token?: string
  readonly proofs?: boolean
  /** How many secrets the server issues, whether they arrive or not. Default: 0. */
  readonly issued?: number
  readonly around?: (http: Layer.Layer<HttpClient.HttpClient>) => Layer.Layer<HttpClient.HttpClient>
}

/** Registers once at a real server and collects all that there is to see. */
const show = (run: Run) =>
  Effect.gen(function*() {
    const sent = run.token ?? token
    const op = yield* oidcProvider({
      ...run.configuration,
      features: { registration: { enabled: true, initialAccessToken: token }, dPoP: { enabled: true } }
    })
    const issued: Array<string> = []
    op.provider.use(async (ctx, next) => {
      await next()
      const body: unknown = ctx.body
      for (const name of ["client_secret", "registration_access_token"]) {
        const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined
        if (typeof value === "string") issued.push(value)
      }
      run.middleware?.(ctx)
    })
    const { spans, tracer } = recordSpans()
    const logged: Array<unknown> = []
    const loggers = [Logger.formatSimple, Logger.formatLogFmt, Logger.formatJson].map((format) =>
      Logger.map(format, (line) => {
        logged.push(line)
      })
    )
    const http = transports[run.transport ?? "node"]
    const exit = yield* Effect.gen(function*() {
      const server = yield* AuthorizationServer.discover(op.issuer)
      return yield* ClientRegistration.register(server, run.metadata ?? { redirect_uris }, {
        initialAccessToken: Redacted.make(sent),
        ...run.options
      })
    }).pipe(
      Effect.tap((client) => Effect.logInfo("registered", client, client.information)),
      Effect.tapCause((cause) => Effect.logError("not registered", cause)),
      Effect.tapError((error) => Effect.logError(error)),
      Effect.withTracer(tracer),
      // As careless as an application can be: every header becomes an attribute of a span.
      Effect.provideService(HttpClient.TracerHeaderFilter, () => true),
      Effect.provideService(References.MinimumLogLevel, "All"),
      Effect.provide(Logger.layer(loggers)),
      Effect.provide(Layer.merge(
        run.around === undefined ? http : run.around(http),
        run.proofs === true ? DpopSigner.layer() : DpopSigner.layerNone
      )),
      Effect.exit
    )
    yield* eventually(() => issued.length === (run.issued ?? issued.length), "the server has answered")
    const texts: Record<string, string> = {
      "inspect(exit)": inspect(exit, deep),
      "json(exit)": json(exit),
      log: logged.join("\n"),
      "span names and attributes": spans.map((span) =>
        `${span.name} ${json([...span.attributes])} ${json(span.events)} ${inspect(span.attributes, deep)}`
      ).join("\n"),
      // What an exporter makes of it: the failure of a span, not the value that it succeeded with.
      "span failures": spans.map(({ status }) =>
        status._tag === "Ended" && Exit.isFailure(status.exit)
          ? `${Cause.pretty(status.exit.cause)} ${inspect(status.exit.cause, deep)}`
          : status._tag
      ).join("\n")
    }
    if (Exit.isSuccess(exit)) {
      const client = exit.value
      texts["inspect(client)"] = `${inspect(client)} ${inspect(client, { ...deep, showHidden: true })} ${
        String(client)
      }`
      texts["json(client)"] = `${json(client)} ${json(client.information)}`
      texts["reach(information)"] = reach({ ...client.information, deviations: client.deviations })
      texts["inspect(information)"] = `${inspect(client.information, deep)}`
    } else {
      texts["Cause.pretty"] = Cause.pretty(exit.cause)
      const error = exit.cause.reasons.find(Cause.isFailReason)?.error ?? assert.fail(Cause.pretty(exit.cause))
      texts["message"] = `${error.message} ${String(error)} ${error.stack ?? ""}`
      texts["inspect(error)"] = `${inspect(error)} ${inspect(error, deep)}`
      texts["json(error)"] = json(error)
      texts["encoded"] = json(yield* encodeError(error).pipe(Effect.orDie))
      texts["reach(error)"] = reach({ ...error, cause: error.cause, stack: error.stack })
      texts["inspect(cause)"] = inspect(error.cause, { ...deep, showHidden: true })
    }
    // The search can find: the server saw the token, and issued what it issued.
    if (op.arrived.some(({ method }) => method === "POST")) {
      assert.isTrue(op.arrived.some(({ headers }) => json(headers).includes(sent)))
    }
    return { exit, texts, secrets: [sent, ...issued] } satisfies Shown
  })

const holdsNoSecret = ({ secrets, texts }: Shown) => {
  for (const [where, text] of Object.entries(texts)) {
    for (const [index, secret] of secrets.entries()) {
      for (const form of formsOf(secret)) {
        assert.isFalse(text.includes(form), `${where} holds secret ${index}: ...${excerpt(text, form)}...`)
      }
    }
  }
}

const excerpt = (text: string, found: string) => text.slice(Math.max(0, text.indexOf(found) - 80), text.indexOf(found))

const reasonIn = ({ exit }: Shown): string => {
  if (Exit.isSuccess(exit)) return "Success"
  const error = exit.cause.reasons.find(Cause.isFailReason)?.error
  return error instanceof RegistrationError.RegistrationError ? error.reason._tag : "Defect"
}

const reset = (ctx: Context) => {
  if (ctx.method === "POST") ctx.req.socket.resetAndDestroy()
}

/** Servers that quote what they got, in every way they do. */
const quote = (ctx: { readonly get: (name: string) => string } | undefined): string => {
  const header = ctx?.get("authorization") ?? ""
  return `got ${header}, that is ${encodeURIComponent(header)}, in JSON ${JSON.stringify(header)}`
}

const retryTransient = (http: Layer.Layer<HttpClient.HttpClient>) =>
  Layer.effect(HttpClient.HttpClient, HttpClient.HttpClient.useSync(HttpClient.retryTransient({ times: 2 }))).pipe(
    Layer.provide(http)
  )

interface Case extends Run {
  readonly name: string
  /** The tag of the reason, or `Success`. */
  readonly expected: string
  readonly issued: number
}

const onEach = (transport: Transport): ReadonlyArray<Case> => [
  { name: `success, ${transport}`, expected: "Success", issued: 2, transport, proofs: true },
  {
    name: `a reset after processing, ${transport}`,
    expected: "OutcomeUnknown",
    issued: 2,
    transport,
    middleware: reset
  },
  {
    name: `a retrying client, ${transport}`,
    expected: "OutcomeUnknown",
    issued: 2,
    transport,
    middleware: reset,
    around: retryTransient
  },
  {
    name: `the deadline, ${transport}`,
    expected: "OutcomeUnknown",
    issued: 2,
    transport,
    middleware: (ctx) => {
      // The head of an answer and nothing more.
      if (ctx.method === "POST") {
        ctx.respond = false
        ctx.res.writeHead(201).flushHeaders()
      }
    },
    options: { deadline: "800 millis" }
  }
]

const cases: ReadonlyArray<Case> = [
  ...onEach("node"),
  ...onEach("undici"),
  ...onEach("fetch"),
  {
    name: "another token than the server's",
    expected: "Unauthorized",
    issued: 0,
    token: "another/token+than=="
  },
  {
    name: "the scheme DPoP",
    expected: "OAuthError",
    issued: 0,
    proofs: true,
    options: { initialAccessTokenType: "DPoP" }
  },
  {
    name: "the scheme DPoP, no signer",
    expected: "InvalidOptions",
    issued: 0,
    options: { initialAccessTokenType: "DPoP" }
  },
  {
    name: "refused metadata",
    expected: "InvalidClientMetadata",
    issued: 0,
    metadata: { redirect_uris, contacts: ["x"] }
  },
  { name: "metadata refused here", expected: "InvalidMetadata", issued: 0, metadata: { redirect_uris: [] } },
  {
    name: "a token that is no token",
    expected: "InvalidOptions",
    issued: 0,
    token: `${token}\r\nx-injected: 1`
  },
  {
    name: "a description that quotes the token",
    expected: "InvalidClientMetadata",
    issued: 0,
    configuration: {
      extraClientMetadata: {
        properties: ["quote"],
        validator: (ctx) => {
          throw new errors.InvalidClientMetadata(quote(ctx))
        }
      }
    }
  },
  {
    name: "a challenge that quotes the token",
    expected: "Unauthorized",
    issued: 2,
    middleware: (ctx) => {
      if (ctx.method !== "POST") return
      ctx.status = 401
      ctx.set(
        "www-authenticate",
        `Bearer error="invalid_token", error_description="${ctx.get("authorization")}", DPoP x=y`
      )
      ctx.body = { error: "invalid_token", error_description: quote(ctx), error_uri: `https://e.example/${quote(ctx)}` }
    }
  },
  {
    name: "a text that quotes the token",
    expected: "UnexpectedStatus",
    issued: 2,
    middleware: (ctx) => {
      if (ctx.method !== "POST") return
      ctx.status = 500
      ctx.body = quote(ctx)
    }
  },
  {
    name: "a redirect that carries the token",
    expected: "RedirectRefused",
    issued: 2,
    middleware: (ctx) => {
      if (ctx.method !== "POST") return
      ctx.status = 307
      ctx.set("location", `https://user:${token}@elsewhere.example/?access_token=${encodeURIComponent(token)}#${token}`)
      ctx.body = ""
    }
  },
  {
    name: "deviations refused: the live client is in the error",
    expected: "DeviationsRefused",
    issued: 2,
    middleware: (ctx) => {
      if (ctx.method === "POST") ctx.status = 200
    },
    options: { deviations: "fail" }
  },
  {
    name: "a success that is no JSON",
    expected: "UnusableAnswer",
    issued: 2,
    middleware: (ctx) => {
      if (ctx.method === "POST") ctx.body = `${json(ctx.body)},`
    }
  },
  {
    name: "a success without client_id",
    expected: "UnusableAnswer",
    issued: 2,
    middleware: (ctx) => {
      const body: unknown = ctx.body
      if (ctx.method === "POST" && typeof body === "object") ctx.body = { ...body, client_id: undefined }
    }
  },
  {
    name: "a failure with the members of a success",
    expected: "UnexpectedStatus",
    issued: 2,
    middleware: (ctx) => {
      if (ctx.method === "POST") ctx.status = 500
    }
  },
  {
    name: "secrets in members of the vendor, and in malformed ones",
    expected: "Success",
    issued: 2,
    middleware: (ctx) => {
      const body: unknown = ctx.body
      if (ctx.method !== "POST" || typeof body !== "object" || body === null) return
      const secret: unknown = Reflect.get(body, "client_secret")
      ctx.body = { ...body, client_secret: [secret], vendor_secret: secret, vendor: { nested: { secret } } }
    }
  }
]

describe("secrets", () => {
  it.live.each(cases)("$name", ({ expected, ...run }) =>
    Effect.gen(function*() {
      const shown = yield* show(run)
      assert.strictEqual(reasonIn(shown), expected, shown.texts["Cause.pretty"])
      assert.lengthOf(shown.secrets, 1 + run.issued)
      holdsNoSecret(shown)
    }))

  it.live("proofs are not in spans either, although every header is", () =>
    Effect.gen(function*() {
      const { texts } = yield* show({ proofs: true })
      const spans = texts["span names and attributes"] ?? ""
      assert.include(spans, "http.request.header.dpop")
      assert.include(spans, "http.request.header.authorization")
      assert.include(spans, "http.request.header.content-type\",\"application/json\"")
      assert.notMatch(spans, /eyJ/)
    }))
})
