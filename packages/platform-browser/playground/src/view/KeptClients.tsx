/** The clients that this browser keeps. */
import { client, show } from "../state/client.ts"
import { kept } from "../state/kept.ts"

export const KeptClients = () =>
  kept.value.length === 0 ? null : (
    <label class="kept">
      <span>{kept.value.length} kept here</span>
      <select
        class="code"
        value={client.value?.information.client_id ?? ""}
        onChange={({ currentTarget }) =>
          show(kept.value.find(({ information }) => information.client_id === currentTarget.value))}
      >
        <option value="">none</option>
        {kept.value.map(({ information, issuer }) => (
          <option key={issuer + information.client_id} value={information.client_id}>
            {information.client_name ?? information.client_id} — {new URL(issuer).host}
          </option>
        ))}
      </select>
    </label>
  )
