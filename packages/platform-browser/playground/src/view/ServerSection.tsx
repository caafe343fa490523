import { discover, issuer, state } from "../state/server.ts"
import { Capabilities } from "./Capabilities.tsx"
import { ErrorPanel } from "./ErrorPanel.tsx"
import { Section } from "./Section.tsx"

export const ServerSection = () => (
  <Section id="server" number={1} title="Server">
    <form
      class="ask"
      onSubmit={(event) => {
        event.preventDefault()
        void discover()
      }}
    >
      <label for="issuer">Issuer</label>
      <div class="joined">
        <input
          id="issuer"
          type="url"
          class="code"
          placeholder="https://op.example.com"
          autocomplete="url"
          spellcheck={false}
          required
          value={issuer}
          onInput={(event) => {
            issuer.value = event.currentTarget.value
          }}
        />
        <button type="submit" class="primary" aria-disabled={state.value._tag === "asking"}>
          {state.value._tag === "asking" ? "Asking…" : "Discover"}
        </button>
      </div>
    </form>
    <Found />
  </Section>
)

const Found = () => {
  switch (state.value._tag) {
    case "none":
      return (
        <p class="empty">
          An issuer is an https address, or http on loopback. What the server says about itself is looked up at its
          well-known URLs (RFC 8414, OpenID Connect Discovery).
        </p>
      )
    case "asking":
      return (
        <div class="skeleton" aria-hidden="true">
          <i />
          <i />
          <i />
        </div>
      )
    case "failed":
      return <ErrorPanel error={state.value.error} onRepeat={() => void discover()} />
    case "found":
      return <Capabilities discovery={state.value.discovery} />
  }
}
