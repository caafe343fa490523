/** A trace as a picture and as text, for the guide to traces. The same spans always give the same picture. */
import { at } from "./support/paths.ts"

/** Where the guide has them. */
export const files = {
  json: at("docs", "guides", "trace.json"),
  svg: at("docs", "guides", "trace.svg"),
  page: at("docs", "guides", "tracing.md")
}

export interface RecordedEvent {
  readonly name: string
  /** In milliseconds since the trace began. */
  readonly at: number
  readonly attributes: Readonly<Record<string, string>>
}

export interface RecordedSpan {
  readonly name: string
  /** How many spans it is in. */
  readonly depth: number
  readonly kind: string
  /** Whether its status is an error. */
  readonly failed: boolean
  /** In milliseconds since the trace began. */
  readonly start: number
  /** In milliseconds since the trace began. */
  readonly end: number
  readonly attributes: Readonly<Record<string, string>>
  readonly events: ReadonlyArray<RecordedEvent>
}

// -----------------------------------------------------------------------------
// what both say
// -----------------------------------------------------------------------------

/** What stays the same when the trace is recorded again: no times, and no ports. */
export const shapeOf = (spans: ReadonlyArray<RecordedSpan>): unknown =>
  spans.map(({ attributes, depth, events, failed, kind, name }) => ({
    name,
    depth,
    kind,
    failed,
    attributes: withoutPorts(attributes),
    events: events.map(({ attributes, name }) => ({ name, attributes: withoutPorts(attributes) }))
  }))

const withoutPorts = (attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      name === "server.port" ? "…" : value.replaceAll(/(?<=127\.0\.0\.1:)\d+/g, "…")
    ])
  )

const milliseconds = (value: number): string => `${value.toFixed(1)} ms`

const attributeLines = (attributes: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(attributes).map(([name, value]) => `${name} = ${value}`)

/** `POST` says little among others: the status belongs to it. */
const titleOf = ({ attributes, name }: RecordedSpan): string => {
  const status = attributes["http.response.status_code"]
  return status === undefined ? name : `${name} ${status}`
}

// -----------------------------------------------------------------------------
// as text
// -----------------------------------------------------------------------------

/** For those who do not see the picture, and for search engines. */
export const textOf = (spans: ReadonlyArray<RecordedSpan>): string =>
  spans.flatMap((span) => {
    const indent = "    ".repeat(span.depth)
    return [
      `${indent}${titleOf(span)}, from ${milliseconds(span.start)} to ${milliseconds(span.end)}${
        span.failed ? ", an error" : ""
      }`,
      ...attributeLines(span.attributes).map((line) => `${indent}  ${line}`),
      ...span.events.map((event) => `${indent}  * ${eventLine(event)}`)
    ]
  }).join("\n")

/** The guide, with this text in its place. */
export const withText = (page: string, spans: ReadonlyArray<RecordedSpan>): string => {
  const place = /(?<=\n<!-- trace\.svg -->\n\n```text\n)[^]*?(?=\n```\n)/
  if (!place.test(page)) throw new Error("the guide has no place for the text of the trace")
  return page.replace(place, () => textOf(spans))
}

// -----------------------------------------------------------------------------
// as a picture
// -----------------------------------------------------------------------------

const width = 920
const margin = 28
const chart = { left: 300, right: width - margin - 64, top: 96, row: 38 }
const line = 17
const column = (width - 2 * margin - 28) / 2

/** As many characters as a column of the legend has room for. */
const lineLength = 58

const style = `
    svg { color-scheme: light dark }
    .paper { fill: #fbfaf6 } .ink { fill: #1b1a17 } .soft { fill: #5b5850 } .rule { stroke: #dedad0 }
    .own { fill: #8d897e } .sdk { fill: #3346b8 } .http { fill: #8fa0ee } .failed { fill: #c4402f }
    .event { fill: #fbfaf6; stroke: #1b1a17 } .bad { fill: #a92315 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #16181d } .ink { fill: #e9e7e1 } .soft { fill: #a5a29a } .rule { stroke: #2f323a }
      .own { fill: #85827a } .sdk { fill: #a3b1ff } .http { fill: #5b6ac0 } .failed { fill: #e8705f }
      .event { fill: #16181d; stroke: #e9e7e1 } .bad { fill: #ff9d8f }
    }
    text { font: 13px ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif }
    .title { font-size: 19px; font-weight: 600 } .name { font-weight: 600 } .small { font-size: 12px }
    .mono { font: 11px ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace }
  `

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

const text = (x: number, y: number, classes: string, content: string, anchor = "start"): string =>
  `<text x="${round(x)}" y="${round(y)}" class="${classes}"${anchor === "start" ? "" : ` text-anchor="${anchor}"`}>${
    escape(content)
  }</text>`

const round = (value: number): number => Math.round(value * 10) / 10

/** Whose span it is, which is its colour. */
const classOf = ({ failed, name }: RecordedSpan): string =>
  failed ? "failed" : /^[A-Z]+$/.test(name) ? "http" : name.includes(".") ? "sdk" : "own"

export const svgOf = (spans: ReadonlyArray<RecordedSpan>): string => {
  const end = Math.max(...spans.map((span) => span.end))
  const x = (at: number) => chart.left + (at / end) * (chart.right - chart.left)
  const bottom = chart.top + spans.length * chart.row
  const legend = legendOf(spans, bottom + 78)
  const height = legend.bottom + margin
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => end / step <= 8) ?? 1000
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step)
  const parts = [
    `<rect class="paper" width="${width}" height="${round(height)}" rx="10"/>`,
    text(margin, 42, "ink title", "A registration with a DPoP nonce challenge"),
    text(margin, 63, "soft", "recorded at a server that demands nonces, as a collector received it by OTLP"),
    ...ticks.flatMap((tick) => [
      `<line class="rule" x1="${round(x(tick))}" x2="${round(x(tick))}" y1="${chart.top}" y2="${bottom}"/>`,
      text(x(tick), chart.top - 8, "soft small", tick === 0 ? "0 ms" : `${tick}`, "middle")
    ]),
    ...spans.flatMap((span, index) => {
      const top = chart.top + index * chart.row
      const middle = top + chart.row / 2
      const left = margin + span.depth * 16
      const length = Math.max(3, x(span.end) - x(span.start))
      return [
        ...(span.depth === 0 ? [] : [branch(spans, index)]),
        text(left, middle + 4.5, span.failed ? "bad name" : "ink name", titleOf(span)),
        `<rect class="${classOf(span)}" x="${round(x(span.start))}" y="${middle - 7}" width="${
          round(length)
        }" height="14" rx="3"/>`,
        // an event at its end is wider than the bar
        text(
          x(Math.max(span.end, ...span.events.map(({ at }) => at + end * 0.008))) + 8,
          middle + 4.5,
          "soft small",
          milliseconds(span.end - span.start)
        ),
        ...span.events.map((event) =>
          `<path class="event" stroke-width="1.5" d="M${round(x(event.at))} ${middle - 6}l6 6l-6 6l-6 -6z"/>`
        )
      ]
    }),
    ...keyOf(bottom + 30),
    `<line class="rule" x1="${margin}" x2="${width - margin}" y1="${bottom + 50}" y2="${bottom + 50}"/>`,
    ...legend.parts
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${
    round(height)
  }" width="${width}" role="img" aria-labelledby="trace-title trace-text">
  <title id="trace-title">A trace of a registration with a DPoP nonce challenge</title>
  <desc id="trace-text">${escape(textOf(spans))}</desc>
  <style>${style}</style>
  ${parts.join("\n  ")}
</svg>
`
}

/** From a span up to the one that it is in. */
const branch = (spans: ReadonlyArray<RecordedSpan>, index: number): string => {
  const depth = spans[index]?.depth ?? 0
  const parent = spans.findLastIndex((span, at) => at < index && span.depth === depth - 1)
  const middle = (at: number) => chart.top + at * chart.row + chart.row / 2
  const left = margin + (depth - 1) * 16 + 4
  return `<path class="rule" fill="none" d="M${left} ${middle(parent) + 10}V${middle(index)}h8"/>`
}

/** What the colours and the mark mean. */
const keyOf = (y: number): ReadonlyArray<string> => {
  const entries = [
    ["own", "the application"],
    ["sdk", "effect-dcr"],
    ["http", "Effect's HttpClient"],
    ["failed", "an answer that is an error"],
    ["event", "an event"]
  ] as const
  let at = margin
  return entries.flatMap(([name, label]) => {
    const mark = name === "event"
      ? `<path class="event" stroke-width="1.5" d="M${at + 7} ${y - 10.5}l6 6l-6 6l-6 -6z"/>`
      : `<rect class="${name}" x="${at}" y="${y - 10}" width="14" height="11" rx="3"/>`
    const parts = [mark, text(at + 21, y, "soft small", label)]
    at += 21 + label.length * 6.4 + 26
    return parts
  })
}

/** What is in each span, in two columns. */
const legendOf = (
  spans: ReadonlyArray<RecordedSpan>,
  top: number
): { readonly parts: ReadonlyArray<string>; readonly bottom: number } => {
  const blocks = spans.filter(({ attributes, events }) => Object.keys(attributes).length + events.length > 0).map(
    (span) => {
      const lines = [
        ...attributeLines(span.attributes).flatMap((line) => wrapped(line)),
        ...span.events.flatMap((event) => wrapped(`${eventMark} ${eventLine(event)}`))
      ]
      return { span, lines, height: 22 + lines.length * line + 14 }
    }
  )
  const total = blocks.reduce((sum, { height }) => sum + height, 0)
  const bottoms = [top, top]
  let above = 0
  const parts = blocks.flatMap(({ height, lines, span }) => {
    // Two columns of about the same height, each read from its top.
    const side = above + height / 2 < total / 2 ? 0 : 1
    above += height
    const left = margin + side * (column + 28)
    const y = bottoms[side] ?? top
    bottoms[side] = y + height
    return [
      `<rect class="${classOf(span)}" x="${left}" y="${y - 10}" width="11" height="11" rx="3"/>`,
      text(left + 19, y, span.failed ? "bad name" : "ink name", titleOf(span)),
      ...lines.flatMap((content, index) => {
        const baseline = y + 19 + index * line
        if (!content.startsWith(eventMark)) {
          return [text(left + 19 + indentOf(content), baseline, "soft mono", content.trim())]
        }
        return [
          `<path class="event" d="M${left + 23} ${baseline - 8}l4 4l-4 4l-4 -4z"/>`,
          text(left + 33, baseline, "soft mono", content.slice(eventMark.length).trim())
        ]
      })
    ]
  })
  return { parts, bottom: Math.max(...bottoms) - 20 }
}

/** Stands where the mark of an event is drawn, so that no font has to have it. */
const eventMark = "*"

const eventLine = ({ at, attributes, name }: RecordedEvent): string =>
  `${name} at ${milliseconds(at)}: ${attributeLines(attributes).join(", ")}`

/** In pixels: what goes on from the line before stands a little to the right. */
const indentOf = (content: string): number => content.startsWith(" ") ? 14 : 0

/** A line of the legend on as many lines as it needs. */
const wrapped = (content: string): ReadonlyArray<string> => {
  if (content.length <= lineLength) return [content]
  const places = [" ", "/"].map((character) => content.lastIndexOf(character, lineLength))
  const cut = places.find((place) => place > lineLength / 2)
  return cut === undefined ? [content] : [content.slice(0, cut), ...wrapped(`  ${content.slice(cut).trimStart()}`)]
}
