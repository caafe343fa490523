/** What the server says that it supports. */
import type { AuthorizationServer, Discovery } from "@effect-dcr/core/AuthorizationServer"
import type { ComponentChildren } from "preact"
import { mask } from "../recording/mask.ts"
import { Attempts } from "./Attempts.tsx"
import { Json } from "./Json.tsx"

export const Capabilities = ({ discovery }: { readonly discovery: Discovery }) => {
  const { attempts, malformed, server, url } = discovery
  return (
    <>
      {server.registration_endpoint === undefined
        ? (
          <p class="panel bad" role="alert">
            This server does not offer registration: it names no registration_endpoint.
          </p>
        )
        : null}
      <dl class="facts-list">
        <Fact name="Registers at">
          {server.registration_endpoint === undefined ? <No /> : <code>{server.registration_endpoint}</code>}
        </Fact>
        <Fact name="Client authentication">
          <Chips values={server.token_endpoint_auth_methods_supported} />
        </Fact>
        <Fact name="Grants">
          <Chips values={server.grant_types_supported} />
        </Fact>
        <Fact name="Response types">
          <Chips values={server.response_types_supported} />
        </Fact>
        <Fact name="Scopes">
          <Chips values={server.scopes_supported} />
        </Fact>
        <Fact name="DPoP">
          <Chips values={server.dpop_signing_alg_values_supported} />
        </Fact>
        <Fact name="Also">
          <Chips values={switches(server)} />
        </Fact>
      </dl>
      <div class="disclosures">
        <details>
          <summary>How it was found</summary>
          <Attempts attempts={attempts} found={url} />
          {malformed.length === 0 ? null : <p>Left out, because malformed: {malformed.join(", ")}</p>}
        </details>
        <details>
          <summary>All metadata</summary>
          <Json value={mask(server)} />
        </details>
      </div>
    </>
  )
}

const switches = (server: AuthorizationServer): ReadonlyArray<string> => [
  ...(server.pushed_authorization_request_endpoint === undefined ? [] : ["pushed requests"]),
  ...(server.mtls_endpoint_aliases === undefined ? [] : ["mTLS aliases"]),
  ...(server.tls_client_certificate_bound_access_tokens === true ? ["certificate-bound tokens"] : []),
  ...(server.require_signed_request_object === true ? ["signed requests required"] : []),
  ...(server.authorization_response_iss_parameter_supported === true ? ["iss in responses"] : []),
  ...(server.device_authorization_endpoint === undefined ? [] : ["device flow"])
]

const Fact = ({ children, name }: { readonly name: string; readonly children: ComponentChildren }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

const No = () => <span class="faint">not said</span>

const Chips = ({ values }: { readonly values: ReadonlyArray<string> | undefined }) =>
  values === undefined || values.length === 0
    ? <No />
    : (
      <ul class="chips">
        {values.map((value) => (
          <li key={value}>
            <code>{value}</code>
          </li>
        ))}
      </ul>
    )
