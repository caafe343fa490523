/** Registers, or sends the change. */
import { changes, client, doing, editing, failure, register, show, update } from "../state/client.ts"
import { errorCount } from "../state/draft.ts"
import { server } from "../state/server.ts"
import { ErrorPanel } from "./ErrorPanel.tsx"

export const Submit = () => (
  <div class="submit">
    {editing.value ? <Changing /> : <Registering />}
    {failure.value !== undefined && isShown(failure.value)
      ? <ErrorPanel error={failure.value.error} onRepeat={() => void repeat()} />
      : null}
  </div>
)

/** That rules are broken is no news any more when they are not. */
const isShown = ({ doing, error }: NonNullable<typeof failure.value>): boolean =>
  ["register", "update"].includes(doing) && !(error.reason._tag === "InvalidMetadata" && errorCount.value === 0)

const repeat = () => failure.value?.doing === "update" ? update() : register()

const Registering = () => (
  <div class="actions">
    <button
      type="button"
      class="primary"
      aria-disabled={server.value === undefined || doing.value !== undefined}
      onClick={() => void register()}
    >
      {doing.value === "register" ? "Registering…" : "Register"}
    </button>
    <p class="hint">
      {server.value === undefined
        ? "Find a server first."
        : (
          <>
            At <code>{server.value.issuer}</code>. Each time is a new client.
          </>
        )}
    </p>
  </div>
)

const Changing = () => {
  const { remove = [], set = {} } = changes.value
  const names = [...Object.keys(set), ...remove.map((name) => `−${name}`)]
  return (
    <div class="actions">
      <button
        type="button"
        class="primary"
        aria-disabled={doing.value !== undefined || names.length === 0}
        onClick={() => names.length === 0 ? undefined : void update()}
      >
        {doing.value === "update" ? "Updating…" : "Update the client"}
      </button>
      <button type="button" onClick={() => show(client.value)}>Cancel</button>
      <p class="hint">
        {names.length === 0
          ? "Nothing is changed yet."
          : <>Changes {names.map((name) => <code class="pair" key={name}>{name}</code>)}</>}
      </p>
    </div>
  )
}
