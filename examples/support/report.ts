/** What a person wants to see of a registration, and the same for programs. No secret is in either. */
import type { AuthorizationServer, Differences, RegisteredClient } from "@effect-dcr/core"
import { ClientInformation } from "@effect-dcr/core"
import { DateTime, Option, Redacted } from "effect"
import { styleText } from "node:util"

export interface Report {
  readonly discovery: AuthorizationServer.Discovery
  readonly client: RegisteredClient.RegisteredClient
  /** Whether the server was started for this registration. */
  readonly embedded: boolean
  /** Whether proofs were made. */
  readonly thumbprint: Option.Option<string>
  readonly now: DateTime.Utc
}

// -----------------------------------------------------------------------------
// for programs
// -----------------------------------------------------------------------------

/**
 * One JSON document. Secrets stand in it as `<redacted:...>`, members that no specification knows by name only. What could
 * move the cursor of a terminal is escaped, which for a parser is the same text.
 */
export const toJson = ({ client, discovery, embedded, thumbprint }: Report): string =>
  escapeJson(JSON.stringify(
    {
      server: {
        issuer: discovery.server.issuer,
        metadata_url: discovery.url,
        registration_endpoint: discovery.server.registration_endpoint,
        embedded
      },
      dpop_key_thumbprint: Option.getOrUndefined(thumbprint),
      requested: client.requested,
      filled_in: client.filledIn,
      granted: client.information,
      extensions: Object.keys(client.extensions),
      secret_expires_at: Option.getOrUndefined(Option.map(client.secretExpiresAt, DateTime.formatIso)),
      differences: maskExtensions(client.differences),
      deviations: client.deviations
    },
    undefined,
    2
  ))

/** `JSON.stringify` escapes the characters below U+0020 only, and outside of strings there are none but line breaks. */
const escapeJson = (json: string): string =>
  json.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`
    ).join(""))

/** Nobody knows what is in a member that no specification knows. */
const maskExtensions = (differences: Differences.Differences): Differences.Differences => {
  const mask = (member: string, value: unknown) => isKnown(member) ? value : "<extension>"
  return {
    added: differences.added.map(({ granted, member }) => ({ member, granted: mask(member, granted) })),
    replaced: differences.replaced.map(({ granted, member, requested }) => ({
      member,
      requested: mask(member, requested),
      granted: mask(member, granted)
    })),
    dropped: differences.dropped.map(({ member, requested }) => ({ member, requested: mask(member, requested) })),
    assumed: differences.assumed
  }
}

const isKnown = (member: string): boolean => Object.hasOwn(ClientInformation.members, member.split("#")[0] ?? member)

// -----------------------------------------------------------------------------
// for people
// -----------------------------------------------------------------------------

type Line = readonly [label: string, value: string]

/** Lines of text, with colours only where standard output is a terminal that shows them. */
export const toText = (report: Report): string => {
  const { client, discovery, embedded } = report
  const { information } = client
  const differences = maskExtensions(client.differences)
  const sections: ReadonlyArray<readonly [title: string, lines: ReadonlyArray<Line | string>]> = [
    ["Authorization server", [
      ["issuer", discovery.server.issuer],
      ["found at", discovery.url],
      ["registers at", discovery.server.registration_endpoint ?? ""],
      ...Option.match(report.thumbprint, {
        onNone: () => [],
        onSome: (thumbprint): ReadonlyArray<Line> => [["DPoP key", thumbprint]]
      })
    ]],
    [
      "Asked",
      Object.entries(client.requested).map(([member, value]): Line => [
        member,
        show(member, value) + (client.filledIn.includes(member) ? "  (filled in)" : "")
      ])
    ],
    ["Granted", [
      ["client_id", show("client_id", information.client_id)],
      ...(information.client_secret === undefined
        ? []
        : [["client_secret", masked], ["secret expires", expiry(report)]] satisfies ReadonlyArray<Line>),
      ...(information.registration_client_uri === undefined
        ? []
        : [["managed at", show("registration_client_uri", information.registration_client_uri)] satisfies Line]),
      ...(information.registration_access_token === undefined ? [] : [["with the token", masked] satisfies Line])
    ]],
    ["Changed by the server: + added, ~ replaced, - dropped", [
      ...differences.replaced.map(({ granted, member, requested }): Line => [
        `~ ${member}`,
        `${show(member, granted)}  (asked: ${show(member, requested)})`
      ]),
      ...differences.dropped.map(({ member, requested }): Line => [
        `- ${member}`,
        `not registered  (asked: ${show(member, requested)})`
      ]),
      ...differences.added.map(({ granted, member }): Line => [`+ ${member}`, show(member, granted)]),
      ...(differences.assumed
        ? ["The answer repeats nothing of what was asked, so it is assumed to be registered."]
        : [])
    ]],
    [
      "Departures from the specifications",
      client.deviations.map(({ message, section }) => `${message} (${section})`)
    ]
  ]
  const text = sections.flatMap(([title, lines]) => {
    const width = Math.max(0, ...lines.map((line) => typeof line === "string" ? 0 : clean(line[0]).length))
    return [
      style("bold", title),
      ...(lines.length === 0 ? [`  ${style("dim", "none")}`] : lines.map((line) =>
        typeof line === "string"
          ? `  ${clean(line)}`
          : `  ${style(colorOf(line[0]), clean(line[0]).padEnd(width))}  ${clean(line[1])}`
      )),
      ""
    ]
  })
  return [
    style("green", "Registered."),
    "",
    ...text,
    ...(embedded
      ? [
        "This server was started for you and has ended. To ask another one:",
        "  npm start -- --issuer URL --redirect-uri URI"
      ]
      : [])
  ].join("\n").trimEnd()
}

const masked = "********"

const style = (format: Parameters<typeof styleText>[0], text: string): string =>
  styleText(format, text, { stream: process.stdout })

const colorOf = (label: string) =>
  label.startsWith("~ ") ? "yellow" : label.startsWith("- ") ? "red" : label.startsWith("+ ") ? "green" : "cyan"

const expiry = ({ client, now }: Report): string => {
  if (client.information.client_secret_expires_at === undefined) return "the server does not say"
  return Option.match(client.secretExpiresAt, {
    onNone: () => "never",
    onSome: (at) => {
      const days = Math.floor((DateTime.toEpochMillis(at) - DateTime.toEpochMillis(now)) / 86_400_000)
      const distance = days < 0
        ? "in the past"
        : days === 0
        ? "within a day"
        : days === 1
        ? "in 1 day"
        : `in ${days} days`
      return `${DateTime.formatIso(at)}  (${distance})`
    }
  })
}

const longest = 160

/** A value on one line, of bearable length. */
const show = (member: string, value: unknown): string => {
  if (Redacted.isRedacted(value)) return masked
  if (!isKnown(member)) return "<extension>"
  // Before it is cut, so that what is shown is of bearable length.
  const text = clean(
    typeof value === "string"
      ? value
      : Array.isArray(value) && value.every((item) => typeof item === "string")
      ? value.length === 0 ? "(empty)" : value.join(", ")
      : JSON.stringify(value)
  )
  return text.length > longest ? `${text.slice(0, longest)}...` : text
}

/** What a server says must not move the cursor, or worse. */
export const clean = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
