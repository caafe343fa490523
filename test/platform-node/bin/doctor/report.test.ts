import { assert, describe, it } from "@effect/vitest"
import {
  type Report,
  reportMarkdown,
  reportText,
  withoutSecrets
} from "../../../../packages/platform-node/src/bin/doctor/report.ts"

const text = (value: string) => value
const look = { bold: text, dim: text, good: text, bad: text, warn: text, width: 60 }

const report: Report = {
  issuer: "https://op.example",
  at: "2030-01-01T00:00:00.000Z",
  version: "0.0.0",
  chapters: [{
    title: "Management",
    findings: [{ verdict: "bad", what: "delete", seen: "400 at /a_token", section: "§2.3" }]
  }],
  made: [
    { clientId: "a", deleted: true },
    { clientId: "b", deleted: false, why: "400 at /a_token" },
    { clientId: "c", deleted: false, why: "400 at /a_token" },
    { clientId: "d", deleted: false, why: "it is gone" }
  ],
  requests: [{ request: "DELETE https://op.example/a_token", answer: "400" }]
}

describe("a report of a doctor", () => {
  it("tells what is left at the server once for each reason", () => {
    assert.include(
      reportText(report, look),
      "1 departure from the specifications, 0 to know, 0 as specified\n1 request; 4 clients made, 1 deleted again\n\n" +
        "Left at the server\n  b\n  c\n  400 at /a_token\n\nLeft at the server\n  d\n  it is gone\n\nnext    Ask"
    )
    assert.include(
      reportMarkdown(report),
      "\n\n- a, deleted again\n\n2 clients could not be deleted: 400 at /a\\_token\n\n- b\n- c\n\n1 client could not"
    )
    assert.include(reportText({ ...report, made: report.made.slice(0, 1) }, look), "1 client made, and deleted again")
    assert.include(reportMarkdown({ ...report, made: [] }), "made\n\nNone.\n\n## Requests")
  })

  it("has no secrets in any of its forms once they are taken out", () => {
    const clean = withoutSecrets(report, (text) => text.replaceAll("a_token", "***"))
    for (const form of [reportText(clean, look), reportMarkdown(clean), JSON.stringify(clean)]) {
      assert.notMatch(form, /a\\*_token/)
    }
  })
})
