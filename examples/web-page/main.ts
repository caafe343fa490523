/**
 * A web page that registers itself, keeps its client in IndexedDB, and deletes it again.
 *
 * ```
 * node examples/web-page/start.ts     starts an authorization server to try it on, and the page
 * npx vite examples/web-page          the page alone, for a server of yours
 * ```
 */
import { Option } from "effect"
import { connect, kept, remove } from "./client.ts"

const find = <E extends Element>(parent: ParentNode, selector: string, kind: new() => E): E => {
  const found = parent.querySelector(selector)
  if (!(found instanceof kind)) throw new Error(`no ${selector} in this page`)
  return found
}

const form = find(document, "#connect", HTMLFormElement)
const issuer = find(document, "#issuer", HTMLInputElement)
const outcome = find(document, "#outcome", HTMLParagraphElement)
const template = find(document, "#card", HTMLTemplateElement)
const list = find(document, "#kept", HTMLUListElement)
const none = find(document, "#none", HTMLParagraphElement)

const say = (kind: "busy" | "done" | "failed", text: string): void => {
  outcome.dataset["kind"] = kind
  outcome.textContent = text
}

/** Does something for the person in front of the page, tells what came of it, and shows what is kept then. */
const perform = async (busy: string, work: () => Promise<string>): Promise<void> => {
  say("busy", busy)
  try {
    say("done", await work())
  } catch (error) {
    fail(error)
  }
  await show()
}

const fail = (error: unknown): void => say("failed", error instanceof Error ? error.message : String(error))

const show = async (): Promise<void> => {
  const found = await kept().catch((error: unknown) => {
    fail(error)
    return []
  })
  none.hidden = found.length > 0
  list.replaceChildren(...found.map(({ clientId, issuer }) => card(issuer, Option.getOrElse(clientId, () => "?"))))
}

const card = (server: string, clientId: string): Node => {
  const copy = document.importNode(template.content, true)
  find(copy, "h3", HTMLHeadingElement).textContent = server
  find(copy, ".client-id", HTMLElement).textContent = clientId
  const button = find(copy, "button", HTMLButtonElement)
  button.setAttribute("aria-label", `Remove the client at ${server}`)
  button.addEventListener("click", () => {
    void perform("Removing…", async () => {
      await remove(server)
      return "Removed. The server does not know this page any more."
    }).then(() => issuer.focus())
  })
  return copy
}

form.addEventListener("submit", (event) => {
  event.preventDefault()
  void perform("Connecting…", async () => {
    const isNew = await connect(issuer.value)
    return isNew ? "Registered. This page is a client now." : "This page is a client already. Nothing was sent."
  })
})

issuer.value = new URLSearchParams(location.search).get("issuer") ?? ""
await show()
find(form, "button", HTMLButtonElement).disabled = false
