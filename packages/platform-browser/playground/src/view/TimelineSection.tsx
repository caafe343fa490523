import * as Duration from "effect/Duration"
import { useEffect } from "preact/hooks"
import type { Operation } from "../recording/timeline.ts"
import { clear, operations } from "../recording/timeline.ts"
import { ExchangeDetails } from "./ExchangeDetails.tsx"
import { Section } from "./Section.tsx"

export const TimelineSection = () => {
  // What is new is at the top.
  const latest = operations.value[0]?.id
  useEffect(() => document.getElementById("timeline")?.scrollTo(0, 0), [latest])
  return (
    <Section
      id="timeline"
      number={4}
      title="Timeline"
      aside={operations.value.length === 0 ? null : <button type="button" class="quiet" onClick={clear}>Clear</button>}
    >
      {operations.value.length === 0
        ? <p class="empty">Every request that this page sends is written down here, with its proof taken apart.</p>
        : <ol class="operations">{operations.value.map((one) => <OperationItem key={one.id} operation={one} />)}</ol>}
    </Section>
  )
}

const OperationItem = ({ operation }: { readonly operation: Operation }) => (
  <li class={`operation ${stateOf(operation)}`}>
    <div class="operation-head">
      <h3>{operation.title}</h3>
      <span class="faint">{new Date(operation.startedAt).toLocaleTimeString("en-GB")}</span>
      <span class={`outcome ${stateOf(operation)}`}>{outcomeOf(operation)}</span>
    </div>
    {operation.measurements.map(({ attempts, duration, nonceChallenges, operation: name }, index) => (
      <p class="measurement" key={index}>
        <code>{name}</code> {Duration.format(Duration.millis(Math.round(Duration.toMillis(duration))))},{" "}
        {plural(attempts, "request")}
        {nonceChallenges === 0 ? "" : `, ${plural(nonceChallenges, "nonce challenge")}`}
      </p>
    ))}
    {operation.exchanges.length === 0
      ? <p class="faint">{operation.outcome === "running" ? "…" : "Nothing was sent."}</p>
      : (
        <ol class="exchanges">
          {operation.exchanges.map((exchange) => (
            <li key={exchange.id}>
              <ExchangeDetails exchange={exchange} total={totalOf(operation)} />
            </li>
          ))}
        </ol>
      )}
  </li>
)

const stateOf = ({ outcome }: Operation): "running" | "succeeded" | "failed" =>
  typeof outcome === "string" ? outcome : "failed"

const outcomeOf = ({ outcome }: Operation): string =>
  outcome === "running" ? "running" : outcome === "succeeded" ? "done" : outcome.reason._tag

const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`

/** Milliseconds from the first request to the end of the last answer. */
const totalOf = ({ exchanges }: Operation): number =>
  Math.max(1, ...exchanges.map(({ duration, offset }) => offset + (duration ?? 0)))
