/** A floor: `fetch`, `JSON.stringify`, `JSON.parse`, nothing else. */
import { asked } from "../support/documents.ts"
import { type MakeSide, mustBe, repeat } from "./side.ts"

export const make: MakeSide = async (target) => {
  const url = `${target.origin}/register/${target.size}`
  const once = async (): Promise<unknown> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(asked)
    })
    mustBe(response.status === 201, "status 201")
    return response.json()
  }
  await once()
  return { run: repeat(once) }
}
