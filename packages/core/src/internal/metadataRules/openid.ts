/**
 * What OpenID Connect adds: pairwise subjects, logins that begin elsewhere, request objects, logout.
 *
 * @internal
 */
import { isAbsoluteUri, isHttp, isHttps, url } from "../metadataFacts.ts"
import { each, finding, type MetadataRule, openidRegistration } from "./rule.ts"

/** What is asked of pairwise subjects, of a login that begins elsewhere and of request objects. */
export const openidRules = [
  {
    id: "sector-identifier-https",
    member: "sector_identifier_uri",
    severity: "error",
    section: "OpenID Connect Registration §5",
    about: ["sector_identifier_uri"],
    check: ({ sector_identifier_uri }) =>
      finding(sector_identifier_uri !== undefined && !isHttps(sector_identifier_uri), "must be an https URL")
  },
  {
    id: "sector-identifier-required",
    member: "sector_identifier_uri",
    severity: "error",
    section: "OpenID Connect Core §8.1",
    isPresence: true,
    about: ["subject_type"],
    check: (metadata) =>
      finding(
        metadata.subject_type === "pairwise" && metadata.sector_identifier_uri === undefined &&
          new Set((metadata.redirect_uris ?? []).map((uri) => url(uri)?.hostname ?? "").filter(Boolean)).size > 1,
        "is required for pairwise subjects when redirect URIs have several hosts"
      )
  },
  {
    id: "initiate-login-https",
    member: "initiate_login_uri",
    severity: "error",
    section: openidRegistration,
    about: ["initiate_login_uri"],
    check: ({ initiate_login_uri }) =>
      finding(initiate_login_uri !== undefined && !isHttps(initiate_login_uri), "must be an https URL")
  },
  {
    id: "request-uris-https",
    member: "request_uris",
    severity: "error",
    section: openidRegistration,
    isPresence: true,
    about: ["request_uris"],
    check: (metadata) =>
      metadata.request_object_signing_alg === undefined || metadata.request_object_signing_alg === "none"
        ? each(
          metadata,
          "request_uris",
          "must be an https URL unless request objects are signed",
          (uri) => !isHttps(uri)
        )
        : []
  }
] as const satisfies ReadonlyArray<MetadataRule>

/** What is asked of the end of a login: logout, and how old it may become. */
export const sessionRules = [
  {
    id: "logout-uri",
    member: "*",
    severity: "error",
    section: "OpenID Connect Back-Channel Logout §2.2",
    about: ["post_logout_redirect_uris", "backchannel_logout_uri"],
    check: (metadata) => [
      ...each(
        metadata,
        "post_logout_redirect_uris",
        "must be absolute and have no fragment",
        (uri) => uri !== "" && (!isAbsoluteUri(uri) || uri.includes("#"))
      ),
      ...finding(
        metadata.backchannel_logout_uri !== undefined &&
          (!isHttp(metadata.backchannel_logout_uri) || metadata.backchannel_logout_uri.includes("#")),
        "must be absolute and have no fragment",
        "backchannel_logout_uri"
      )
    ]
  },
  {
    id: "frontchannel-logout-origin",
    member: "frontchannel_logout_uri",
    severity: "error",
    section: "OpenID Connect Front-Channel Logout §2",
    isPresence: true,
    about: ["frontchannel_logout_uri"],
    check: ({ frontchannel_logout_uri, redirect_uris }) =>
      finding(
        frontchannel_logout_uri !== undefined &&
          !(isHttp(frontchannel_logout_uri) &&
            (redirect_uris ?? []).some((uri) => url(uri)?.origin === url(frontchannel_logout_uri)?.origin)),
        "must have the scheme, host and port of a redirect URI"
      )
  },
  {
    id: "default-max-age",
    member: "default_max_age",
    severity: "error",
    section: openidRegistration,
    about: ["default_max_age"],
    check: ({ default_max_age }) =>
      finding(
        default_max_age !== undefined && !(Number.isInteger(default_max_age) && default_max_age >= 0),
        "must be a whole number of seconds, 0 or more"
      )
  }
] as const satisfies ReadonlyArray<MetadataRule>
