/**
 * Redirect URIs: where the server sends the user back to, and which flows need one.
 *
 * @internal
 */
import { beginsHttp, beginsHttps, isAbsoluteUri, isHttps, url, usesImplicit, usesRedirects } from "../metadataFacts.ts"
import { isLoopbackHost } from "../url.ts"
import { each, finding, type MetadataRule, openidRegistration } from "./rule.ts"

const redirects = ["redirect_uris", "post_logout_redirect_uris", "claims_redirect_uris"] as const

const scriptSchemes: ReadonlyArray<string> = ["javascript:", "data:", "vbscript:", "blob:", "file:", "about:"]

/** What is asked of redirect URIs. */
export const redirectRules = [
  {
    id: "redirect-uris-required",
    member: "redirect_uris",
    severity: "error",
    section: "RFC 7591 §2",
    isPresence: true,
    check: (metadata) =>
      finding(
        usesRedirects(metadata) && (metadata.redirect_uris ?? []).length === 0,
        "a client of the authorization_code or implicit grant needs at least one redirect URI"
      )
  },
  {
    id: "redirect-uri-absolute",
    member: "redirect_uris",
    severity: "error",
    section: "RFC 6749 §3.1.2",
    about: ["redirect_uris"],
    check: (metadata) =>
      each(
        metadata,
        "redirect_uris",
        "is not an absolute URI, in which everything beyond ASCII is encoded",
        (uri) => uri !== "" && !isAbsoluteUri(uri)
      )
  },
  {
    id: "redirect-uri-fragment",
    member: "redirect_uris",
    severity: "error",
    section: "RFC 6749 §3.1.2",
    about: ["redirect_uris"],
    check: (metadata) => each(metadata, "redirect_uris", "has a fragment", (uri) => uri.includes("#"))
  },
  {
    id: "redirect-uri-script",
    member: "redirect_uris",
    severity: "error",
    section: "RFC 7591 §5",
    about: redirects,
    check: (metadata) =>
      redirects.flatMap((member) =>
        each(
          metadata,
          member,
          "has a scheme that runs or reads content instead of naming a place",
          // As a browser reads it, which passes over white space.
          (uri) => !beginsHttp.test(uri) && URL.canParse(uri) && scriptSchemes.includes(new URL(uri).protocol)
        )
      )
  },
  {
    id: "web-implicit-https",
    member: "redirect_uris",
    severity: "error",
    section: openidRegistration,
    isPresence: true,
    about: ["redirect_uris"],
    check: (metadata) =>
      (metadata.application_type ?? "web") === "web" && usesImplicit(metadata)
        ? each(
          metadata,
          "redirect_uris",
          "a web client of the implicit flow needs https and another host than localhost",
          (uri) => !isHttps(uri) || url(uri)?.hostname === "localhost"
        )
        : []
  },
  {
    id: "native-redirect-uri",
    member: "redirect_uris",
    severity: "warning",
    section: openidRegistration,
    about: ["application_type"],
    check: (metadata) =>
      metadata.application_type === "native"
        ? each(
          metadata,
          "redirect_uris",
          "a native client uses a custom scheme or http on loopback; some servers refuse https (RFC 8252 §7.2 allows it)",
          isHttps
        )
        : []
  },
  {
    id: "redirect-uri-plain-http",
    member: "redirect_uris",
    severity: "warning",
    section: "RFC 9700 §2.1",
    about: ["redirect_uris"],
    check: (metadata) =>
      each(metadata, "redirect_uris", "is plain http on a host that is not loopback", (uri) => {
        const parsed = beginsHttps.test(uri) ? undefined : url(uri)
        return parsed?.protocol === "http:" && !isLoopbackHost(parsed.hostname)
      })
  },
  {
    id: "redirect-uri-query",
    member: "redirect_uris",
    severity: "warning",
    section: "RFC 6749 §4.1.2",
    about: ["redirect_uris"],
    check: (metadata) =>
      each(metadata, "redirect_uris", "has a query parameter that the answer uses (code, state, response)", (uri) => {
        const query = uri.includes("?") ? url(uri)?.searchParams : undefined
        return query !== undefined && ["code", "state", "response"].some((name) => query.has(name))
      })
  }
] as const satisfies ReadonlyArray<MetadataRule>
