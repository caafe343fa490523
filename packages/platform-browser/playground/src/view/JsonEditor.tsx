/** The same metadata as text. */
import { setText, syntaxError, text } from "../state/draft.ts"

export const JsonEditor = () => (
  <div class="raw">
    <label for="raw">
      Raw JSON
    </label>
    <textarea
      id="raw"
      class="code"
      spellcheck={false}
      autocomplete="off"
      value={text}
      aria-invalid={syntaxError.value === undefined ? undefined : true}
      aria-describedby="raw-problem"
      onInput={({ currentTarget }) => setText(currentTarget.value)}
    />
    <p class="hint" id="raw-problem" role="status">
      {syntaxError.value === undefined
        ? "What you type here is in the form at once, and the other way round."
        : <span class="error">Not JSON yet: {syntaxError}. The form shows what it was before.</span>}
    </p>
  </div>
)
