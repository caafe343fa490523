/**
 * The way in for every npm script. `node scripts/bootstrap.mjs <entry> [arguments]` installs what the lockfile pins, if
 * that has not been done, and runs the entry under the Node version that the lockfile pins.
 *
 * This file itself runs under whatever Node the machine has (20 or newer) and with nothing installed, so it is plain
 * JavaScript and imports nothing but Node's own modules.
 */
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { delimiter, join, resolve } from "node:path"
import { fileURLToPath } from "node:url"

const pnpm = "pnpm@12.21.0"
const windows = process.platform === "win32"
const root = fileURLToPath(new URL("..", import.meta.url))
const bin = join(root, "node_modules", ".bin")
const node = join(root, "node_modules", "node", "bin", windows ? "node.exe" : "node")
const stamp = join(root, "node_modules", ".effect-dcr-installed")

/** What an installation depends on: the lockfile, what it is checked against, and the machine's kind. */
const wanted = () => {
  const hash = createHash("sha256").update(`${pnpm} ${process.platform} ${process.arch}`)
  for (
    const file of [
      "pnpm-lock.yaml",
      "pnpm-workspace.yaml",
      "package.json",
      "test/package.json",
      "examples/package.json",
      "bench/package.json",
      "packages/core/package.json",
      "packages/platform-node/package.json",
      "packages/platform-browser/package.json",
      "packages/platform-browser/playground/package.json"
    ]
  ) hash.update(`\n${file}\n`).update(readFileSync(join(root, file)))
  return hash.digest("hex")
}

const install = async () => {
  const hash = wanted()
  if (existsSync(node) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return
  const first = !existsSync(stamp)
  process.stderr.write(`installing dependencies (${first ? "first run only" : "the lockfile has changed"}) ...\n`)
  /** @type {Array<Buffer>} */
  const output = []
  const child = spawn("npx", ["--yes", pnpm, "install", "--frozen-lockfile"], {
    cwd: root,
    // with NODE_ENV=production half of the tools would be left out
    env: { ...process.env, NODE_ENV: "development" },
    shell: windows,
    stdio: ["ignore", "pipe", "pipe"]
  })
  const collect = (/** @type {Buffer} */ chunk) => output.push(chunk)
  child.stdout.on("data", collect)
  child.stderr.on("data", collect)
  /** @type {number | null} */
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve))
  if (code !== 0 || !existsSync(node)) {
    process.stderr.write(Buffer.concat(output))
    process.stderr.write(`\ninstalling dependencies failed (exit code ${code})\n`)
    process.exit(1)
  }
  writeFileSync(stamp, hash)
}

const [entry, ...args] = process.argv.slice(2)
if (entry === undefined) {
  process.stderr.write("usage: node scripts/bootstrap.mjs <entry> [arguments]\n")
  process.exit(2)
}

await install()

const child = spawn(node, [resolve(root, entry), ...args], {
  // file names on the command line mean what they mean in the directory where npm was called
  cwd: process.env["INIT_CWD"] ?? process.cwd(),
  env: {
    // to compile what they import takes most programs most of the time
    NODE_COMPILE_CACHE: join(root, "build", "compile-cache"),
    ...process.env,
    PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`
  },
  stdio: "inherit"
})

/** @type {ReadonlyArray<NodeJS.Signals>} */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"]
for (const signal of signals) {
  process.on(signal, () => {
    // Ctrl-C in a terminal reaches the child by itself
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
  })
}
child.once("error", (error) => {
  process.stderr.write(`${node} did not start: ${error.message}\n`)
  process.exit(1)
})
child.once("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
})
