import { theme, themes } from "../state/theme.ts"

export const Masthead = () => (
  <header class="masthead">
    <div>
      <h1>Client registration</h1>
      <p class="subtitle">
        OAuth 2.0, <abbr title="OAuth 2.0 Dynamic Client Registration Protocol">RFC 7591</abbr> and{" "}
        <abbr title="OAuth 2.0 Dynamic Client Registration Management Protocol">RFC 7592</abbr>, by effect-dcr
      </p>
    </div>
    <fieldset class="segments">
      <legend class="unseen">Colours</legend>
      {themes.map((name) => (
        <label key={name}>
          <input
            type="radio"
            name="theme"
            checked={theme.value === name}
            onChange={() => {
              theme.value = name
            }}
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  </header>
)
