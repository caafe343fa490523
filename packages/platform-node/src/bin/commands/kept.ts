/**
 * What the commands say of a registration that is not there.
 *
 * @internal
 */
import { RegistrationError } from "@effect-dcr/core/RegistrationError"
import type { Key } from "@effect-dcr/core/RegistrationStore"

export const notKept = ({ issuer }: Key) =>
  new RegistrationError({
    reason: { _tag: "InvalidOptions", option: "profile", message: "no registration is kept under it" },
    issuer
  })
