/** How the request is sent. */
import { dpop, initialAccessToken, initialAccessTokenType } from "../state/client.ts"

export const RequestOptions = () => (
  <fieldset class="options">
    <legend>Request</legend>
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={dpop}
        onChange={({ currentTarget }) => {
          dpop.value = currentTarget.checked
        }}
      />
      <span>
        DPoP
        <small>A proof of possession with every request (RFC 9449)</small>
      </span>
    </label>
    <div class="token">
      <label for="token">Initial access token</label>
      <div class="joined">
        <select
          aria-label="Scheme of the initial access token"
          value={initialAccessTokenType}
          onChange={({ currentTarget }) => {
            initialAccessTokenType.value = currentTarget.value === "DPoP" ? "DPoP" : "Bearer"
          }}
        >
          <option>Bearer</option>
          <option>DPoP</option>
        </select>
        <input
          id="token"
          type="password"
          class="code"
          autocomplete="off"
          placeholder="only for protected endpoints"
          value={initialAccessToken}
          onInput={({ currentTarget }) => {
            initialAccessToken.value = currentTarget.value
          }}
        />
      </div>
    </div>
  </fieldset>
)
