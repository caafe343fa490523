/** The registration to take away. */
import type { RegisteredClient } from "@effect-dcr/core/RegisteredClient"
import { useSignal } from "@preact/signals"
import { dpop, initialAccessToken, initialAccessTokenType } from "../state/client.ts"
import type { Format } from "../state/exports.ts"
import { exportAs, fileName, formats } from "../state/exports.ts"
import { presetName } from "../state/presets.ts"
import { CopyButton } from "./CopyButton.tsx"

export const ExportPane = ({ client }: { readonly client: RegisteredClient }) => {
  const format = useSignal<Format>("json")
  const secrets = useSignal(false)
  const text = exportAs(client, format.value, {
    secrets: secrets.value,
    dpop: dpop.value,
    preset: presetName.value,
    token: initialAccessToken.value === "" ? undefined : initialAccessTokenType.value
  })
  return (
    <div class="export">
      <h3>Export</h3>
      <div class="export-head">
        <fieldset class="segments">
          <legend class="unseen">Format</legend>
          {formats.map((name) => (
            <label key={name}>
              <input
                type="radio"
                name="format"
                checked={format.value === name}
                onChange={() => {
                  format.value = name
                }}
              />
              <span>{titles[name]}</span>
            </label>
          ))}
        </fieldset>
        <label class="check">
          <input
            type="checkbox"
            checked={secrets}
            onChange={({ currentTarget }) => {
              secrets.value = currentTarget.checked
            }}
          />
          with secrets
        </label>
        <span class="actions">
          <CopyButton what="the export" text={() => text} />
          <button type="button" class="quiet" onClick={() => save(fileName(client, format.value), text)}>
            Download
          </button>
        </span>
      </div>
      <pre class="json" data-testid="export">{text}</pre>
    </div>
  )
}

const titles: { readonly [Name in Format]: string } = { json: "JSON", env: "Environment", code: "Code" }

const save = (name: string, text: string) => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }))
  Object.assign(document.createElement("a"), { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
