/** One request and its answer. */
import * as Redacted from "effect/Redacted"
import type { Exchange } from "../recording/timeline.ts"
import { Address } from "./Address.tsx"
import { Json } from "./Json.tsx"
import { ProofDetails } from "./ProofDetails.tsx"
import { Secret } from "./Secret.tsx"

export const ExchangeDetails = ({ exchange, total }: { readonly exchange: Exchange; readonly total: number }) => (
  <details class="exchange">
    <summary>
      <span class={`status ${classOf(exchange)}`}>
        {exchange.status ?? (exchange.failure === undefined ? "…" : "✕")}
      </span>
      <span class="method">{exchange.method}</span>
      <span class="path">{pathOf(exchange.url)}</span>
      <span class="faint time">{exchange.duration === undefined ? "" : `${Math.round(exchange.duration)} ms`}</span>
      <span class="bar" aria-hidden="true">
        <i
          style={{
            left: `${100 * exchange.offset / total}%`,
            width: `${Math.max(1, 100 * (exchange.duration ?? total - exchange.offset) / total)}%`
          }}
        />
      </span>
    </summary>
    <div class="exchange-body">
      <h4>Request</h4>
      <p class="request-line">
        <code>{exchange.method}</code> <Address url={exchange.url} />
      </p>
      <HeaderList headers={exchange.requestHeaders} />
      {exchange.requestBody === undefined ? null : <Json value={exchange.requestBody} />}
      {exchange.proof === undefined ? null : <ProofDetails proof={exchange.proof} />}
      <h4>Answer</h4>
      {exchange.failure === undefined ? null : <p class="error">{exchange.failure}</p>}
      {exchange.responseHeaders === undefined ? null : <HeaderList headers={exchange.responseHeaders} />}
      {exchange.responseBody === undefined ? null : <Json value={exchange.responseBody} />}
      {exchange.failure === undefined && exchange.status === undefined ? <p class="faint">On its way…</p> : null}
    </div>
  </details>
)

const classOf = ({ failure, status }: Exchange): string =>
  failure !== undefined || (status ?? 0) >= 400 ? "failed" : status === undefined ? "running" : "succeeded"

const pathOf = (url: string): string => URL.canParse(url) ? new URL(url).pathname : url

const HeaderList = ({ headers }: { readonly headers: Exchange["requestHeaders"] }) => (
  <dl class="headers">
    {Object.entries(headers).map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>
          {Redacted.isRedacted(value)
            ? <Secret value={Redacted.make(Redacted.value(value), { label: name })} />
            : value}
        </dd>
      </div>
    ))}
  </dl>
)
