/**
 * What holds for every member, whatever it is called: its value, its name, the language of its name.
 *
 * @internal
 */
import * as ClientMetadata from "../../ClientMetadata.ts"
import { answerGuards, metadataGuards } from "../memberGuards.ts"
import { isEmpty } from "../memberTypes.ts"
import { isHttp, isInformationUri } from "../metadataFacts.ts"
import { nearestName } from "../nearestName.ts"
import { isLocalized, localizable } from "../openMembers.ts"
import { finding, type MetadataRule, noFindings, ofMembers } from "./rule.ts"

/** What is asked of any value. */
export const valueRules = [
  {
    id: "member-type",
    member: "*",
    severity: "error",
    section: "RFC 7591 §2",
    isRaw: true,
    check: (metadata, typed) =>
      // Mostly every member has its type, which their number says.
      Object.keys(typed).length === Object.keys(metadata).length
        ? noFindings
        : ofMembers(metadata, (name, value) =>
          finding(
            value !== undefined && !isEmpty(value) && !Object.hasOwn(typed, name),
            "the value has not the type of the member",
            name
          ))
  },
  {
    id: "no-null-or-empty",
    member: "*",
    severity: "error",
    section: "RFC 7592 §2.2",
    isRaw: true,
    check: (metadata) =>
      ofMembers(metadata, (name, value) =>
        isEmpty(value)
          ? [{ message: "null and the empty string ask for deletion: leave the member out", member: name }]
          : Array.isArray(value) && value.some(isEmpty)
          ? value.flatMap((item: unknown, index) =>
            finding(isEmpty(item), "is null or empty: leave it out", `${name}[${index}]`)
          )
          : noFindings)
  }
] as const satisfies ReadonlyArray<MetadataRule>

/** What is asked of the pages that tell people of the client. */
export const informationUris = {
  id: "information-uris",
  member: "*",
  severity: "error",
  section: "RFC 7591 §2",
  check: (metadata) =>
    ofMembers(metadata, (name, value) =>
      finding(
        typeof value === "string" && value !== "" && isInformationUri(name) && !isHttp(value),
        "must be an http or https URL",
        name
      ))
} as const satisfies MetadataRule

/** What is asked of any name. */
export const nameRules = [
  {
    id: "unregistered-name",
    member: "*",
    severity: "warning",
    section: "RFC 7591 §4.1",
    check: (metadata) =>
      ofMembers(metadata, (name) => {
        if (ClientMetadata.isMember(name) || isLocalized(name)) return noFindings
        if (Object.hasOwn(answerGuards, name)) {
          return [{ member: name, message: "is given by the server and cannot be asked for" }]
        }
        const near = nearestName(name, Object.keys(metadataGuards))
        return [{ member: name, message: `is not a registered name${near === undefined ? "" : `; is ${near} meant?`}` }]
      })
  },
  {
    id: "untagged-beside-localized",
    member: "*",
    severity: "warning",
    section: "RFC 7591 §2.2",
    check: (metadata) =>
      Object.keys(metadata).some(isLocalized)
        ? localizable.flatMap((member) =>
          finding(
            metadata[member] === undefined && Object.keys(metadata).some((name) => name.startsWith(`${member}#`)),
            "an untagged value is to be sent beside the localised ones",
            member
          )
        )
        : noFindings
  }
] as const satisfies ReadonlyArray<MetadataRule>
