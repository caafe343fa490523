/**
 * Metadata documents that are not what was asked, or not what they should be.
 *
 * @internal
 */
import type { JsonObject } from "../../../internal/answer.ts"
import { paths } from "../route.ts"
import { changeMembers, definitions, without } from "./plan.ts"

const define = definitions("discovery")

export const discovery = {
  "other-issuer": define(
    "the metadata of another issuer",
    changeMembers((members) => ({ ...members, issuer: "https://other-issuer.example" }))
  ),
  "issuer-with-slash": define(
    "the issuer with one more slash at its end",
    changeMembers((members) => ({ ...members, issuer: `${String(members["issuer"])}/` }))
  ),
  "no-issuer": define("metadata without issuer", changeMembers((members) => without(members, ["issuer"]))),
  "no-registration-endpoint": define(
    "no registration_endpoint",
    changeMembers((members) => without(members, ["registration_endpoint"]))
  ),
  "insecure-registration-endpoint": define(
    "a registration_endpoint of plain http",
    changeMembers((members) => ({
      ...members,
      registration_endpoint: String(members["registration_endpoint"]).replace(/^https:/, "http:")
    }))
  ),
  "relative-registration-endpoint": define(
    "a registration_endpoint without scheme and host",
    changeMembers((members) => ({ ...members, registration_endpoint: paths.register }))
  ),
  "foreign-registration-endpoint": define<{
    /** Default: an endpoint at another host. */
    readonly endpoint?: string
  }>(
    "a registration_endpoint at another host than the issuer",
    ({ endpoint = "https://elsewhere.example/register" }) =>
      changeMembers((members) => ({ ...members, registration_endpoint: endpoint }))
  ),
  "malformed-metadata": define(
    "members of the server's metadata with the wrong type",
    changeMembers((members) => ({ ...members, scopes_supported: "openid profile", ui_locales_supported: { en: true } }))
  ),
  "changed-metadata": define<{
    readonly members?: JsonObject
  }>(
    "server metadata with any members that the test wants",
    ({ members = {} }) => changeMembers((found) => ({ ...found, ...members }))
  )
} as const
