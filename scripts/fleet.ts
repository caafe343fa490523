/**
 * The servers that the tests of fleets start: PostgreSQL and Redis, unless `DATABASE_URL` and `REDIS_URL` name others. With
 * `CI=true`, and as root or by `sudo` on Debian and its like, what is missing is installed.
 */
import { postgresBinaries, redisBinary } from "../test/support/fleetServers.ts"
import { must } from "./support/run.ts"

/** What is missing and how to install it, or nothing. */
export const missingForFleet = async (): Promise<{ readonly reason: string; readonly install: string } | undefined> => {
  const trouble = process.env["CI"] === "true" && missing().length > 0 ? await install(missing()) : ""
  const still = missing()
  if (still.length === 0) return undefined
  return {
    reason: `${still.map(({ name }) => name).join(" and ")} not found${trouble}`,
    install: `apt-get ${installing(still).join(" ")}`
  }
}

interface Server {
  readonly name: string
  /** The Debian package. */
  readonly package: string
}

const missing = (): ReadonlyArray<Server> => [
  ...(given("DATABASE_URL") || postgresBinaries() !== undefined ? [] : [{ name: "PostgreSQL", package: "postgresql" }]),
  ...(given("REDIS_URL") || redisBinary() !== undefined ? [] : [{ name: "Redis", package: "redis-server" }])
]

const given = (name: string): boolean => (process.env[name] ?? "") !== ""

const installing = (servers: ReadonlyArray<Server>): ReadonlyArray<string> => [
  "install",
  "-y",
  "--no-install-recommends",
  ...servers.map((server) => server.package)
]

/** Says what went wrong, if anything did. */
const install = async (servers: ReadonlyArray<Server>): Promise<string> => {
  // The servers that the packages would start at once are not wanted: the tests start their own.
  const settings = ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
  const apt = (args: ReadonlyArray<string>) =>
    process.getuid?.() === 0
      ? must("env", [...settings, "apt-get", ...args])
      : must("sudo", ["--non-interactive", "env", ...settings, "apt-get", ...args])
  try {
    await apt(["update"])
    await apt(installing(servers))
    return ""
  } catch (error) {
    return `, and not installed: ${error instanceof Error ? error.message.trim().split("\n").at(-1) : String(error)}`
  }
}
