/** Who the client is. */
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { Address } from "./Address.tsx"
import { CopyButton } from "./CopyButton.tsx"
import { Secret } from "./Secret.tsx"

export const Credentials = ({ client }: { readonly client: RegisteredClient }) => {
  const { information } = client
  return (
    <div class="identity">
      <p class="client-name">{information.client_name ?? "A client without a name"}</p>
      <p class="client-id">
        <code data-testid="client-id">{information.client_id}</code>
        <CopyButton what="client_id" text={() => information.client_id} />
      </p>
      <dl class="facts-list">
        <div>
          <dt>Issuer</dt>
          <dd>
            <code>{client.issuer}</code>
          </dd>
        </div>
        {information.client_secret === undefined ? null : (
          <div>
            <dt>Secret</dt>
            <dd>
              <Secret value={information.client_secret} /> <span class="faint">{expiry(client)}</span>
            </dd>
          </div>
        )}
        <div>
          <dt>Managed at</dt>
          <dd>
            {information.registration_client_uri === undefined
              ? <span class="faint">The server gave no place: it cannot be read, changed or deleted (RFC 7592)</span>
              : <Address url={information.registration_client_uri} />}
          </dd>
        </div>
        {information.registration_access_token === undefined ? null : (
          <div>
            <dt>With the token</dt>
            <dd>
              <Secret value={information.registration_access_token} />
            </dd>
          </div>
        )}
      </dl>
    </div>
  )
}

const expiry = (client: RegisteredClient): string =>
  client.information.client_secret_expires_at === undefined
    ? "the server does not say when it expires"
    : Option.match(client.secretExpiresAt, {
      onNone: () => "does not expire",
      onSome: (at) => `expires ${DateTime.formatIso(at)}`
    })
