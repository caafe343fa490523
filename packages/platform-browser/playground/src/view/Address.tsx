/** A URL whose query stays covered: of a management URI it can be a secret. */
import * as Redacted from "effect/Redacted"
import { Secret } from "./Secret.tsx"

export const Address = ({ url }: { readonly url: string }) => {
  const [place = "", ...query] = url.split("?")
  return (
    <>
      <code>{place}</code>
      {query.length === 0
        ? null
        : (
          <>
            <code>?</code>
            <Secret value={Redacted.make(query.join("?"), { label: "query" })} />
          </>
        )}
    </>
  )
}
