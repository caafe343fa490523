/** A failure: what happened, what the server said, and what can be done. */
import type { Reason, RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Duration from "effect/Duration"
import { useEffect, useRef } from "preact/hooks"
import { advice } from "../state/advice.ts"
import { Attempts } from "./Attempts.tsx"
import { ViolationList } from "./Violations.tsx"

export const ErrorPanel = ({ error, onRepeat }: {
  readonly error: RegistrationError
  readonly onRepeat?: (() => void) | undefined
}) => {
  const panel = useRef<HTMLDivElement>(null)
  useEffect(() => panel.current?.focus(), [error])
  const { reason } = error
  return (
    <div class="panel bad" role="alert" tabIndex={-1} ref={panel}>
      <h3>
        {titles[reason._tag]}
        <code class="tag">{reason._tag}</code>
      </h3>
      {reason._tag === "InvalidMetadata" || reason._tag === "DiscoveryFailed"
        ? null
        : <p class="words">{error.message}</p>}
      <p>{advice(reason)}</p>
      {reason._tag === "InvalidMetadata" ? <ViolationList violations={reason.violations} /> : null}
      {reason._tag === "DiscoveryFailed" ? <Attempts attempts={reason.attempts} /> : null}
      {reason._tag === "Unauthorized" && reason.challenges.length > 0
        ? <p>It challenges with {reason.challenges.map(({ scheme }) => scheme).join(", ")}.</p>
        : null}
      <p class="facts">
        {error.isSafeToRepeat ? <span>Safe to repeat</span> : null}
        {error.mayHaveSucceeded ? <span>It may have succeeded</span> : null}
        {error.retryAfter === undefined ? null : <span>Wait {Duration.format(error.retryAfter)}</span>}
      </p>
      {onRepeat !== undefined && error.isSafeToRepeat
        ? <button type="button" onClick={onRepeat}>Try again</button>
        : null}
    </div>
  )
}

const titles: { readonly [Tag in Reason["_tag"]]: string } = {
  InvalidMetadata: "The metadata breaks rules",
  InvalidOptions: "An option cannot be honoured",
  EndpointRefused: "This address is not contacted",
  Unsupported: "The server does not offer this",
  ProofFailed: "No proof could be made",
  DiscoveryFailed: "No server metadata there",
  Transport: "No answer",
  OutcomeUnknown: "Nobody knows what came of it",
  RedirectRefused: "A redirect, not followed",
  RateLimited: "Too many requests",
  NonceExhausted: "The nonce was not accepted",
  InvalidRedirectUri: "A redirect URI is refused",
  InvalidClientMetadata: "The metadata is refused",
  InvalidSoftwareStatement: "The software statement is invalid",
  UnapprovedSoftwareStatement: "The software statement is not approved",
  OAuthError: "The server refused",
  Unauthorized: "Not authorized",
  UnexpectedStatus: "An unexpected answer",
  UnusableAnswer: "An answer that cannot be used",
  DeviationsRefused: "Registered, with deviations",
  StoreFailed: "Not kept"
}
