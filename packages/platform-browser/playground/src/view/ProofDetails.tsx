/** A DPoP proof, claim by claim. */
import type { Masked } from "../recording/mask.ts"
import type { DecodedProof } from "../recording/proof.ts"
import { claimNotes } from "../recording/proof.ts"
import { Value } from "./Value.tsx"

export const ProofDetails = ({ proof }: { readonly proof: DecodedProof }) => (
  <div class="proof">
    <h4>DPoP proof</h4>
    <ClaimTable caption="Header" claims={proof.header} />
    <ClaimTable caption="Claims" claims={proof.claims} />
  </div>
)

const ClaimTable = ({ caption, claims }: { readonly caption: string; readonly claims: Masked }) => (
  <dl class="claims" aria-label={caption}>
    {entriesOf(claims).map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>
          <Value value={value} />
          {claimNotes[name] === undefined ? null : <span class="faint">{claimNotes[name]}</span>}
        </dd>
      </div>
    ))}
  </dl>
)

const entriesOf = (claims: Masked): ReadonlyArray<readonly [string, unknown]> =>
  typeof claims === "object" && claims !== null ? Object.entries(claims) : []
