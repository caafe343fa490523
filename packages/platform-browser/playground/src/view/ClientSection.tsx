import { useEffect, useRef } from "preact/hooks"
import { client, failure, notice } from "../state/client.ts"
import { ClientActions } from "./ClientActions.tsx"
import { Comparison } from "./Comparison.tsx"
import { Credentials } from "./Credentials.tsx"
import { ErrorPanel } from "./ErrorPanel.tsx"
import { ExportPane } from "./ExportPane.tsx"
import { KeptClients } from "./KeptClients.tsx"
import { Section } from "./Section.tsx"

export const ClientSection = () => {
  const current = client.value
  const failed = failure.value
  return (
    <Section id="client" number={3} title="Client" aside={<KeptClients />}>
      <Notice />
      {current === undefined
        ? (
          <p class="empty">
            Nothing is registered here yet. What you register appears here and is kept in this browser.
          </p>
        )
        : (
          <>
            <Credentials client={current} />
            <ClientActions />
            {failed !== undefined && ["read", "rotate", "remove"].includes(failed.doing)
              ? <ErrorPanel error={failed.error} />
              : null}
            <Comparison client={current} />
            <ExportPane client={current} />
          </>
        )}
    </Section>
  )
}

/** What the last operation came to. It takes the focus, because what it is about is elsewhere on a long page. */
const Notice = () => {
  const panel = useRef<HTMLParagraphElement>(null)
  useEffect(() => {
    panel.current?.focus({ preventScroll: true })
    panel.current?.closest("section")?.scrollIntoView()
  }, [notice.value])
  return notice.value === undefined ?
    null :
    <p class="panel done" data-testid="notice" tabIndex={-1} ref={panel}>{notice}</p>
}
