/** How much memory a program needs at most that registers at a server which sends 200 MB, beside one that sends an answer. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Zlib from "node:zlib"
import { created, flood, pour, type RawAnswer, rawServer, registered } from "./socketServer.ts"
import type { Transport } from "./socketTransports.ts"

/** What a program came to. */
export interface Measured {
  /** The tag of the reason, and why. */
  readonly outcome: string
  /** By how much it grew at most while it registered. Bytes. */
  readonly growth: number
  /** The most that it ever held from then on. Bytes. */
  readonly peak: number
  /** How many bytes went into the server's side of the connection. */
  readonly sent: number
}

/** A body of 200 MB, in one of the forms that it can have. */
export interface Flood {
  readonly what: string
  readonly pour: (socket: Parameters<RawAnswer>[0]) => () => number
  readonly outcome: (transport: Transport) => string
}

const tooLarge = () => "OutcomeUnknown TooLarge"

/** 200 MB of white space, as few bytes. */
const compressors = {
  deflate: () => Zlib.deflateSync(Buffer.alloc(flood, " "), { level: 1 }),
  // Ten members (RFC 1952 §2.2), of which only one has to be made.
  gzip: () => Buffer.concat(Array.from<Buffer>({ length: 10 }).fill(Zlib.gzipSync(Buffer.alloc(flood / 10, " ")))),
  br: () => Zlib.brotliCompressSync(Buffer.alloc(flood, " "), { params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 1 } })
}

const bomb = (encoding: keyof typeof compressors): Flood => {
  let body: Buffer | undefined
  return {
    what: `as ${encoding}`,
    pour: (socket) => {
      const bytes = body ??= compressors[encoding]()
      socket.write(`${created}content-encoding: ${encoding}\r\ncontent-length: ${bytes.length}\r\n\r\n`)
      socket.write(bytes)
      return () => bytes.length
    },
    // Only fetch decompresses; for the others it is a short body that is no JSON.
    outcome: ({ name }) => name === "fetch" ? "OutcomeUnknown TooLarge" : "UnusableAnswer"
  }
}

/** The bodies of 200 MB. */
export const floods = {
  chunks: {
    what: "in chunks",
    pour: (socket) => pour(socket, `${created}transfer-encoding: chunked\r\n\r\n`, "chunked"),
    outcome: tooLarge
  },
  /** Of which fetch and Effect's undici hold each as an object: that costs them more than the limit allows. */
  tinyChunks: {
    what: "in chunks of a byte",
    pour: (socket) => pour(socket, `${created}transfer-encoding: chunked\r\n\r\n`, "tinyChunks"),
    outcome: tooLarge
  },
  declared: {
    what: "with its length",
    pour: (socket) => pour(socket, `${created}content-length: ${flood}\r\n\r\n`),
    outcome: tooLarge
  },
  undeclared: {
    what: "to the end of the connection",
    pour: (socket) => pour(socket, `${created}\r\n`),
    outcome: tooLarge
  },
  short: {
    what: "with a length of 100",
    pour: (socket) => pour(socket, `${created}content-length: 100\r\n\r\n`),
    outcome: () => "UnusableAnswer"
  },
  ambiguous: {
    what: "in chunks, with a length of 100",
    pour: (socket) => pour(socket, `${created}content-length: 100\r\ntransfer-encoding: chunked\r\n\r\n`, "chunked"),
    outcome: () => "OutcomeUnknown ConnectionLost"
  },
  refusal: {
    what: "with an error",
    pour: (socket) => pour(socket, "HTTP/1.1 400 Bad Request\r\n\r\n"),
    outcome: () => "UnexpectedStatus"
  },
  gzip: bomb("gzip"),
  br: bomb("br"),
  deflate: bomb("deflate")
} satisfies { readonly [name: string]: Flood }

/** What a program may need more than one that gets a short answer: the limit on an answer, and 16 MB. */
export const allowance = 1_048_576 + 16_000_000

const child = fileURLToPath(new URL("socketMemoryChild.ts", import.meta.url))

/**
 * So that what is measured is what is held. V8 takes some megabytes for translating undici's parser once it has worked for a
 * while, and lets garbage lie in a nursery of up to 48 MB; a short answer gives it no reason for either.
 */
const flags = ["--expose-gc", "--liftoff-only", "--max-semi-space-size=1"]

const run = (transport: Transport, origin: string): Effect.Effect<Omit<Measured, "sent">> =>
  Effect.callback((resume) => {
    const started = execFile(process.execPath, [...flags, child, transport.name, origin], (error, stdout, stderr) => {
      if (error !== null) return resume(Effect.die(new Error(stderr, { cause: error })))
      const [growth, peak, ...outcome] = stdout.split(" ")
      resume(Effect.succeed({ growth: Number(growth), peak: Number(peak), outcome: outcome.join(" ") }))
    })
    return Effect.sync(() => started.kill())
  })

/** One program in a process of its own. Without a flood: it gets an honest, short answer. */
export const measure = (transport: Transport, flood?: Flood): Effect.Effect<Measured> =>
  Effect.gen(function*() {
    let sent = () => 0
    const server = yield* rawServer((socket) => {
      if (flood === undefined) socket.write(registered("control"))
      else sent = flood.pour(socket)
    })
    const result = yield* run(transport, server.origin)
    return { ...result, sent: sent() }
  }).pipe(Effect.scoped)
