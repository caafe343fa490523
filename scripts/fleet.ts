/**
 * The servers that the tests of fleets start: PostgreSQL and Redis, unless `DATABASE_URL` and `REDIS_URL` name others. With
 * `CI=true`, and as root on Debian, what is missing is installed.
 */
import { postgresBinaries, redisBinary } from "../test/support/fleetServers.ts"
import { run } from "./support/run.ts"

const packages = ["postgresql", "redis-server"]

const install = `apt-get install -y --no-install-recommends ${packages.join(" ")}`

/** What is missing and how to install it, or nothing. */
export const missingForFleet = async (): Promise<{ readonly reason: string; readonly install: string } | undefined> => {
  if (missing().length > 0 && process.env["CI"] === "true" && process.getuid?.() === 0) {
    const env = { DEBIAN_FRONTEND: "noninteractive" }
    await run("apt-get", ["update"], { env })
    // The servers that the packages would start at once are not wanted: the tests start their own.
    await run("apt-get", ["install", "-y", "--no-install-recommends", ...packages], { env: { ...env, RUNLEVEL: "1" } })
  }
  const still = missing()
  return still.length === 0 ? undefined : { reason: `${still.join(" and ")} not found`, install }
}

const given = (name: string): boolean => (process.env[name] ?? "") !== ""

const missing = (): ReadonlyArray<string> => [
  ...(given("DATABASE_URL") || postgresBinaries() !== undefined ? [] : ["PostgreSQL"]),
  ...(given("REDIS_URL") || redisBinary() !== undefined ? [] : ["Redis"])
]
