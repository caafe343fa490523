/**
 * Records a real trace, and writes what the guide to traces shows of it: `docs/guides/trace.json`, the picture, and the text
 * under it. `test/interop/tracePicture.test.ts` fails when something else is recorded than what is shown.
 *
 * ```
 * node scripts/trace.ts
 * ```
 */
import { readFileSync, writeFileSync } from "node:fs"
import { recordTraceOnce } from "../test/support/recordTrace.ts"
import { main } from "./support/run.ts"
import { files, svgOf, withText } from "./tracePicture.ts"

main(async () => {
  const { spans } = await recordTraceOnce()
  writeFileSync(files.json, `${JSON.stringify(spans, undefined, 2)}\n`)
  writeFileSync(files.svg, svgOf(spans))
  writeFileSync(files.page, withText(readFileSync(files.page, "utf8"), spans))
  console.log(`${spans.length} spans`)
})
