/** The well-known URLs that were tried. */
import type { DiscoveryAttempt } from "@effect-dcr/core/RegistrationError"

export const Attempts = ({ attempts, found }: {
  readonly attempts: ReadonlyArray<DiscoveryAttempt>
  readonly found?: string | undefined
}) => (
  <ol class="attempts">
    {attempts.map(({ problem, url }) => (
      <li key={url}>
        <code>{url}</code>
        <span class="faint">{problem}</span>
      </li>
    ))}
    {found === undefined ? null : (
      <li>
        <code>{found}</code>
        <span class="good">found</span>
      </li>
    )}
  </ol>
)
