/** Formats every file in place. */
import { main, must } from "./support/run.ts"
import { dprintEnv, tools } from "./support/tools.ts"

main(async () => {
  process.stdout.write(await must(process.execPath, [tools.dprint, "fmt"], { env: dprintEnv }))
})
