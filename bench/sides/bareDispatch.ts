/** A floor: undici's `dispatch`, `JSON.stringify`, `JSON.parse`, nothing else. */
import { type Dispatcher, Pool } from "undici"
import { asked } from "../support/documents.ts"
import { type MakeSide, mustBe, repeat } from "./side.ts"

const parse: (text: string) => unknown = JSON.parse

export const make: MakeSide = async (target) => {
  const pool = new Pool(target.origin, { connections: 128, pipelining: 1 })
  const options = {
    path: `/register/${target.size}`,
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" }
  } as const
  const once = () =>
    new Promise<unknown>((resolve, reject) => {
      const chunks: Array<Buffer> = []
      let status = 0
      const handler: Dispatcher.DispatchHandler = {
        // without it undici takes the handler for one of an older form
        onRequestStart: () => {},
        onResponseStart: (_, code) => {
          status = code
        },
        onResponseData: (_, chunk) => {
          chunks.push(chunk)
        },
        onResponseEnd: () => {
          if (status === 201) resolve(parse(Buffer.concat(chunks).toString()))
          else reject(new Error(`status ${status}`))
        },
        onResponseError: (_, error) => reject(error)
      }
      pool.dispatch({ ...options, body: JSON.stringify(asked) }, handler)
    })
  mustBe(typeof await once() === "object", "an object")
  return { run: repeat(once), close: () => pool.destroy() }
}
