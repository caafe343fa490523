/** Read, update, rotate, delete (RFC 7592). */
import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { client, doing, edit, forgetHere, read, remove, rotate } from "../state/client.ts"

export const ClientActions = () => {
  const isManaged = client.value?.information.registration_client_uri !== undefined
  const busy = doing.value !== undefined
  return (
    <div class="actions" role="group" aria-label="What to do with the client">
      {isManaged
        ? (
          <>
            <button type="button" aria-disabled={busy} onClick={() => void read()}>
              {doing.value === "read" ? "Reading…" : "Read"}
            </button>
            <button type="button" aria-disabled={busy} onClick={startEditing}>Update</button>
            <button type="button" aria-disabled={busy} onClick={() => void rotate()}>
              {doing.value === "rotate" ? "Rotating…" : "Rotate"}
            </button>
            <Delete />
          </>
        )
        : null}
      <button type="button" class="quiet" aria-disabled={busy} onClick={() => void forgetHere()}>Forget here</button>
    </div>
  )
}

const startEditing = () => {
  edit()
  document.getElementById("metadata")?.scrollIntoView()
  document.querySelector<HTMLElement>("#metadata .field input")?.focus({ preventScroll: true })
}

const Delete = () => {
  const asked = useSignal<"no" | "yes" | "not any more">("no")
  const sure = useRef<HTMLButtonElement>(null)
  const first = useRef<HTMLButtonElement>(null)
  // The button that had the focus is gone: the one in its place gets it.
  useEffect(() => {
    if (asked.value === "yes") sure.current?.focus()
    if (asked.value === "not any more") first.current?.focus()
  }, [asked.value])
  if (asked.value !== "yes") {
    return (
      <button
        type="button"
        class="danger"
        ref={first}
        aria-disabled={doing.value !== undefined}
        onClick={() => {
          asked.value = "yes"
        }}
      >
        {doing.value === "remove" ? "Deleting…" : "Delete"}
      </button>
    )
  }
  const answer = (isSure: boolean) => {
    asked.value = "not any more"
    if (isSure) void remove()
  }
  return (
    <span
      class="confirm"
      role="group"
      aria-label="Delete the client?"
      onKeyDown={({ key }) => {
        if (key === "Escape") answer(false)
      }}
    >
      <span>Its users are logged out.</span>
      <button type="button" class="danger solid" ref={sure} onClick={() => answer(true)}>Delete it</button>
      <button type="button" onClick={() => answer(false)}>Keep it</button>
    </span>
  )
}
