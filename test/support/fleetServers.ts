/**
 * Real servers that keep registrations: PostgreSQL and Redis, started from an installed binary in a folder of their own, on a
 * socket in that folder. `DATABASE_URL` and `REDIS_URL` name others to take instead; those are reached through a relay, so that
 * they can be taken away as well.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"

// -----------------------------------------------------------------------------
// models
// -----------------------------------------------------------------------------

/** How to reach a server: what a client of `@effect/sql-pg` or `redis` is told, as JSON. */
export type Place =
  | { readonly kind: "postgres"; readonly path: string; readonly database: string; readonly username: string }
  | { readonly kind: "postgres"; readonly url: string }
  | { readonly kind: "redis"; readonly path: string }
  | { readonly kind: "redis"; readonly url: string }

export interface StoreServer {
  readonly place: Place
  /** Takes it away at once, as a crash does. */
  readonly stop: Effect.Effect<void>
  /** Brings it back, with what it had made durable. */
  readonly start: Effect.Effect<void>
  /** Lets it stand still, with its connections open. */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

// -----------------------------------------------------------------------------
// servers
// -----------------------------------------------------------------------------

export const postgres: Effect.Effect<StoreServer, never, Scope.Scope> = Effect.suspend(() => {
  const url = process.env["DATABASE_URL"]
  return url === undefined || url === ""
    ? ownPostgres
    : relayTo({ kind: "postgres", url })
})

export const redis: Effect.Effect<StoreServer, never, Scope.Scope> = Effect.suspend(() => {
  const url = process.env["REDIS_URL"]
  return url === undefined || url === "" ? ownRedis() : relayTo({ kind: "redis", url })
})

const ownPostgres = Effect.gen(function*() {
  const binaries = postgresBinaries()
  if (binaries === undefined) return yield* Effect.die(new Error("PostgreSQL is not installed"))
  const user = unprivileged()
  const folder = yield* folderFor(user)
  const data = Path.join(folder, "data")
  const made = spawnSync(
    Path.join(binaries, "initdb"),
    ["--pgdata", data, "--auth=trust", "--username=fleet", "--encoding=UTF8", "--locale=C", "--no-sync"],
    { ...user, cwd: folder, encoding: "utf8" }
  )
  if (made.status !== 0) return yield* Effect.die(new Error(`initdb: ${made.stderr}`))
  return yield* serve({
    place: { kind: "postgres", path: Path.join(folder, ".s.PGSQL.5432"), database: "postgres", username: "fleet" },
    // A child of the postmaster would outlive it by a moment, and keep the data from the next.
    stopSignal: "SIGQUIT",
    start: () =>
      spawn(
        Path.join(binaries, "postgres"),
        ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=200", "-c", "shared_buffers=64MB"],
        { ...user, cwd: folder, stdio: "ignore" }
      ),
    isReady: () => spawnSync(Path.join(binaries, "pg_isready"), ["-h", folder, "-q"], { stdio: "ignore" }).status === 0
  })
})

/** A Redis Cluster of one server, which has all slots; none where Redis is not installed. */
export const redisCluster: Effect.Effect<StoreServer | undefined, never, Scope.Scope> = Effect.gen(function*() {
  if (redisBinary() === undefined) return undefined
  const [port, busPort] = yield* Effect.promise(() => Promise.all([freePort(), freePort()]))
  const flags = ["--cluster-enabled", "yes", "--cluster-port", String(busPort), "--bind", "127.0.0.1"]
  const server = yield* ownRedis(["--port", String(port), ...flags])
  const { path } = server.place.kind === "redis" && "path" in server.place ? server.place : { path: "" }
  yield* Effect.promise(() => say(path, "CLUSTER ADDSLOTSRANGE 0 16383"))
  while (!(yield* Effect.promise(() => say(path, "CLUSTER INFO"))).includes("cluster_state:ok")) yield* Effect.sleep(50)
  return server
})

const ownRedis = (flags: ReadonlyArray<string> = ["--port", "0"]) =>
  Effect.gen(function*() {
    const binary = redisBinary()
    if (binary === undefined) return yield* Effect.die(new Error("Redis is not installed"))
    const folder = yield* folderFor({})
    const path = Path.join(folder, "redis.sock")
    return yield* serve({
      place: { kind: "redis", path },
      stopSignal: "SIGKILL",
      start: () => {
        Fs.rmSync(path, { force: true })
        return spawn(
          binary,
          [
            flags,
            ["--unixsocket", path],
            ["--unixsocketperm", "700"],
            ["--dir", folder],
            ["--appendonly", "yes"],
            ["--appendfsync", "always"],
            ["--save", ""],
            ["--maxmemory-policy", "noeviction"]
          ].flat(),
          { cwd: folder, stdio: "ignore" }
        )
      },
      isReady: async () => (await say(path, "PING")).startsWith("+PONG")
    })
  })

// -----------------------------------------------------------------------------
// binaries
// -----------------------------------------------------------------------------

/** The folder of `initdb` and `postgres`, where Debian keeps them out of the path. */
export const postgresBinaries = (): string | undefined => {
  const debian = "/usr/lib/postgresql"
  const versions = Fs.existsSync(debian)
    ? Fs.readdirSync(debian).sort((a, b) => Number(b) - Number(a)).map((version) => Path.join(debian, version, "bin"))
    : []
  return [...versions, ...searchPath()].find((folder) => Fs.existsSync(Path.join(folder, "initdb")))
}

export const redisBinary = (): string | undefined =>
  searchPath().map((folder) => Path.join(folder, "redis-server")).find((file) => Fs.existsSync(file))

const searchPath = () => (process.env["PATH"] ?? "").split(Path.delimiter).filter((folder) => folder !== "")

/** PostgreSQL does not run as root. */
const unprivileged = (): { readonly uid?: number; readonly gid?: number } => {
  if (process.getuid?.() !== 0) return {}
  const users = Fs.readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"))
  const user = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody")
  return user === undefined ? {} : { uid: Number(user[2]), gid: Number(user[3]) }
}

// -----------------------------------------------------------------------------
// processes
// -----------------------------------------------------------------------------

/** The path of a socket has to be short. */
const folderFor = ({ gid, uid }: { readonly uid?: number; readonly gid?: number }) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "fleet-"))
      if (uid !== undefined && gid !== undefined) Fs.chownSync(folder, uid, gid)
      return folder
    }),
    (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true, force: true }))
  )

const serve = (options: {
  readonly place: Place
  readonly stopSignal: NodeJS.Signals
  readonly start: () => ChildProcess
  readonly isReady: () => boolean | Promise<boolean>
}): Effect.Effect<StoreServer, never, Scope.Scope> => {
  let running: { readonly child: ChildProcess; readonly ended: Promise<void> } | undefined
  const stop = Effect.promise(async () => {
    if (running === undefined) return
    const { child, ended } = running
    child.kill(options.stopSignal)
    // One that stands still hears of it when it goes on.
    resumeNow()
    running = undefined
    await ended
  })
  const start = Effect.promise(async () => {
    const child = options.start()
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()).once("error", () => resolve()))
    running = { child, ended }
    const deadline = performance.now() + 60_000
    while (!(await options.isReady())) {
      if (child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`the ${options.place.kind} server does not start`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
  // PostgreSQL has a process for each connection. It makes no more when it is the first that stands still and the last that goes on.
  const pauseNow = () => {
    const pid = running?.child.pid
    if (pid === undefined) return
    signal(pid, "SIGSTOP")
    for (const each of childrenOf(pid)) signal(each, "SIGSTOP")
  }
  const resumeNow = () => {
    const pid = running?.child.pid
    if (pid === undefined) return
    for (const each of childrenOf(pid)) signal(each, "SIGCONT")
    signal(pid, "SIGCONT")
  }
  return Effect.as(
    Effect.acquireRelease(start, () => stop),
    { place: options.place, stop, start, pause: Effect.sync(pauseNow), resume: Effect.sync(resumeNow) }
  )
}

const childrenOf = (pid: number): ReadonlyArray<number> => {
  const file = `/proc/${pid}/task/${pid}/children`
  return Fs.existsSync(file)
    ? Fs.readFileSync(file, "utf8").split(" ").filter((each) => each !== "").map(Number)
    : []
}

/** Signals a process that may have ended since it was seen, as that of a connection does. */
const signal = (pid: number, name: NodeJS.Signals) => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
  }
}

/** The beginning of the answer of a Redis, and nothing when there is none. */
const say = (path: string, command: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = Net.connect({ path }, () => socket.write(`${command}\r\n`))
    socket.on("data", (answer) => {
      socket.destroy()
      resolve(answer.toString())
    }).on("error", () => resolve(""))
  })

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = Net.createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

// -----------------------------------------------------------------------------
// relays
// -----------------------------------------------------------------------------

export interface Relay extends StoreServer {
  /** The next answer does not arrive: its connection is cut instead, when what was asked is done. */
  readonly loseAnswer: Effect.Effect<void>
}

/**
 * A way to a server that can be taken away where the server itself cannot, because it is somebody else's: its connections are
 * cut, and no new ones taken.
 */
export const relayTo = (target: Place): Effect.Effect<Relay, never, Scope.Scope> =>
  Effect.gen(function*() {
    const pairs = new Set<{ readonly near: Net.Socket; readonly far: Net.Socket }>()
    let isOpen = true
    let isStanding = false
    let losesAnswer = false
    const each = (use: (socket: Net.Socket) => void) => pairs.forEach(({ far, near }) => [near, far].forEach(use))
    const cut = () => each((socket) => socket.destroy())
    const relay = Net.createServer((near) => {
      if (!isOpen) {
        near.destroy()
        return
      }
      const pair = { near, far: connectTo(target) }
      pairs.add(pair)
      near.on("data", (chunk) => pair.far.write(chunk))
      pair.far.on("data", (chunk) => {
        if (losesAnswer) {
          losesAnswer = false
          near.destroy()
        } else near.write(chunk)
      })
      for (const [one, other] of [[near, pair.far], [pair.far, near]] as const) {
        one.on("error", () => other.destroy()).on("close", () => {
          pairs.delete(pair)
          other.destroy()
        })
        if (isStanding) one.pause()
      }
    })
    const place = yield* listenLike(target, relay)
    yield* Effect.addFinalizer(() =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          relay.close(() => resolve())
          cut()
        })
      )
    )
    return {
      place,
      stop: Effect.sync(() => {
        isOpen = false
        cut()
      }),
      start: Effect.sync(() => {
        isOpen = true
      }),
      pause: Effect.sync(() => {
        isStanding = true
        each((socket) => socket.pause())
      }),
      resume: Effect.sync(() => {
        isStanding = false
        each((socket) => socket.resume())
      }),
      loseAnswer: Effect.sync(() => {
        losesAnswer = true
      })
    }
  })

const usualPort = { postgres: 5432, redis: 6379 }

const connectTo = (place: Place): Net.Socket => {
  if (!("url" in place)) return Net.connect({ path: place.path })
  const { hostname, port } = new URL(place.url)
  return Net.connect(Number(port || usualPort[place.kind]), hostname.replace(/^\[|\]$/g, ""))
}

/** Listens as the server does, on a port or in a file, and says where. */
const listenLike = (target: Place, relay: Net.Server): Effect.Effect<Place, never, Scope.Scope> =>
  Effect.gen(function*() {
    const listening = (where: Net.ListenOptions) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          relay.listen(where, resolve)
        })
      )
    if (!("url" in target)) {
      const path = Path.join(yield* folderFor({}), "relay.sock")
      yield* listening({ path })
      return { ...target, path }
    }
    yield* listening({ port: 0, host: "127.0.0.1" })
    const address = relay.address()
    const url = new URL(target.url)
    url.hostname = "127.0.0.1"
    url.port = String(typeof address === "object" && address !== null ? address.port : 0)
    return { ...target, url: url.href }
  })
