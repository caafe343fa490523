/**
 * `effect-dcr doctor`: how registration really goes at a server, for its operator.
 *
 * @internal
 */
import * as ClientRegistration from "@effect-dcr/core/ClientRegistration"
import * as MetadataRule from "@effect-dcr/core/MetadataRule"
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { examineBrowsers } from "../doctor/browsers.ts"
import { examineDiscovery } from "../doctor/discovery.ts"
import { isTurnedAway, note } from "../doctor/findings.ts"
import { examineManagement } from "../doctor/management.ts"
import { examineProofs } from "../doctor/proofs.ts"
import * as Recorder from "../doctor/recorder.ts"
import { examineRefusals, probes } from "../doctor/refusals.ts"
import { examineRegistration, ordinary } from "../doctor/registration.ts"
import { type Chapter, reportMarkdown, reportText, summaryOf, withoutSecrets } from "../doctor/report.ts"
import * as Visit from "../doctor/visit.ts"
import { readToken, tokenFile } from "../input.ts"
import { print, waiting } from "../output.ts"
import { reporting } from "../report.ts"
import { Secrets } from "../secrets.ts"
import { issuer, Json, yes } from "../settings.ts"
import { plain, style } from "../style.ts"
import { version } from "../version.ts"
import { callOptions, exchange } from "../world.ts"
import { confirm } from "./confirm.ts"

const markdown = Flag.Boolean("markdown").pipe(
  Flag.withDescription("Print the report as Markdown"),
  Flag.withDefault(false)
)

/** Everything that was seen at a server; what was made there is deleted again. */
const examine = Effect.fnUntraced(function*(
  issuer: string,
  initialAccessToken: Visit.Visit["initialAccessToken"],
  records: ReadonlyArray<Recorder.Recorded>
) {
  const options = yield* callOptions
  const found = yield* examineDiscovery(issuer, options)
  const { server } = found
  if (server?.registration_endpoint === undefined) {
    return { chapters: [found.chapter], made: [], failure: found.failure ?? notOffered }
  }
  // The policy judges the endpoint, and the token whether it can be one, before anything is sent there.
  yield* ClientRegistration.request(server, ordinary, {
    ...options,
    initialAccessToken,
    rulesOff: MetadataRule.rules.map(({ id }) => id)
  })
  const visit = yield* Visit.make({ server, initialAccessToken, ...options })
  const metadataUrl = records.find(({ status }) => status === 200)?.url
  const browsers = metadataUrl === undefined ? [] : [yield* examineBrowsers(metadataUrl, server.registration_endpoint)]
  const registration = yield* examineRegistration(visit, records)
  const isOver = registration.failure !== undefined && isTurnedAway(registration.failure)
  const refusals = isOver ? [] : [yield* examineRefusals(visit)]
  const proofs = registration.client === undefined ? [] : [yield* examineProofs(visit, records)]
  const management = registration.client === undefined ? [] : [yield* examineManagement(visit, registration.client)]
  const made = yield* visit.leave
  return {
    chapters: [
      found.chapter,
      ...browsers,
      registration.chapter,
      ...refusals,
      ...proofs,
      ...management,
      limitsOf(records)
    ],
    made,
    failure: registration.failure
  }
}, Effect.scoped)

/** As many as are tried: one as usual, one with members of its own, those that should be refused, one with a proof. */
const clients = `up to ${3 + probes.length} clients`

const twoForms = new RegistrationError({
  reason: {
    _tag: "InvalidOptions",
    option: "--markdown",
    message: "--markdown and --json are two forms of the report: give one of them"
  }
})

const notOffered = new RegistrationError({
  reason: { _tag: "Unsupported", feature: "registration_endpoint", message: "the server offers no registration" }
})

/** Those of RFC 9110 §10.2.3, of the draft of RateLimit headers, and of its forerunners. */
const isOfLimits = (name: string): boolean => /^(retry-after|(x-)?rate-?limit(-.*)?)$/.test(name)

/** What the answers told of limits. */
const limitsOf = (records: ReadonlyArray<Recorder.Recorded>): Chapter => {
  const limited = records.filter(({ status }) => status === 429).length
  // The last answer that has one tells what is left.
  const told = new Map(records.flatMap(({ headers }) => Object.entries(headers).filter(([name]) => isOfLimits(name))))
  return {
    title: "Rate limits",
    findings: [
      note("answers of 429", limited === 0 ? "none" : `${limited} of ${records.length}`, "RFC 6585 §4"),
      ...Array.from(told, ([name, value]) => note(name, value ?? ""))
    ]
  }
}

export const doctor = Command.make(
  "doctor",
  { issuer, tokenFile, markdown, yes },
  Effect.fnUntraced(
    function*({ issuer, markdown, tokenFile, yes }) {
      if (markdown && (yield* Json)) return yield* twoForms
      const token = yield* readToken(tokenFile)
      yield* confirm(`Register ${clients} at ${plain(issuer)}, and delete them again where it lets them be?`, yes)
      const records: Array<Recorder.Recorded> = []
      const { chapters, failure, made } = yield* examine(issuer, token, records).pipe(
        Effect.provide(Layer.provideMerge(Recorder.layer(records), exchange)),
        waiting(() => `examining ${issuer}, ${records.length} answers so far`)
      )
      const { scrub } = yield* Secrets
      const report = withoutSecrets({
        issuer,
        at: DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis)),
        version,
        chapters,
        made,
        requests: records.map(({ method, status, url }) => ({
          request: `${method} ${url}`,
          answer: status === undefined ? "no answer" : String(status)
        }))
      }, scrub)
      yield* markdown
        ? Console.log(reportMarkdown(report))
        : print({
          json: { ...report, summary: summaryOf(report.chapters) },
          // The failure is told apart from it.
          text: Effect.map(style, (look) => `${reportText(report, look)}${failure === undefined ? "" : "\n"}`)
        })
      // The report is there in any case; the exit code says whether a client could be registered.
      if (failure !== undefined) return yield* failure
    },
    reporting
  )
).pipe(
  Command.withDescription(
    "Find out how registration really goes at a server: discovery, errors, what it changes, management, DPoP, browsers, " +
      "limits. It registers a few clients and deletes them again where the server lets it, and asks before it does. " +
      "The report holds no secret: send it to the operator of the server."
  ),
  Command.withShortDescription("Find out how registration goes at a server"),
  Command.withExamples([
    { command: "effect-dcr doctor https://op.example.com", description: "Ask, examine, print" },
    {
      command: "effect-dcr doctor https://op.example.com --yes --markdown > report.md",
      description: "A report to send"
    }
  ])
)
