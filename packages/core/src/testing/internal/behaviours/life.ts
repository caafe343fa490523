/**
 * What happens to a registration over its life.
 *
 * @internal
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { connectionFailure, empty, json } from "../reply.ts"
import { answer, definitions } from "./plan.ts"

const define = definitions("life")

const lost = () => Effect.fail(connectionFailure("ECONNRESET", "read ECONNRESET"))

export const life = {
  "forgets-client": define(
    "the client is gone as soon as it is answered for",
    { tweak: { forgets: true } },
    ["register", "read", "update"]
  ),
  "short-lived-secret": define<{
    /** Default: 30 days. */
    readonly lifetime?: Duration.Input
  }>(
    "a secret that expires",
    ({ lifetime = "30 days" }) => ({
      tweak: { secretLifetime: Duration.toSeconds(Duration.fromInputUnsafe(lifetime)) }
    }),
    ["register", "read", "update"]
  ),
  "rotates-token": define("a new registration_access_token; the old one is void", { tweak: { rotateToken: true } }),
  "rotates-secret": define("a new client_secret; the old one is void", { tweak: { rotateSecret: true } }),
  "lost-rotation": define(
    "token and secret are replaced, and the answer with the new ones is lost",
    { tweak: { rotateToken: true, rotateSecret: true }, afterwards: lost }
  ),
  "delete-200": define(
    "200 with a body for a removal",
    { afterwards: (reply) => Effect.succeed({ ...json(200, { deleted: true }), delivery: reply.delivery }) },
    ["remove"]
  ),
  "delete-unsupported": define("405: clients cannot be removed", answer(() => empty(405, { allow: "GET, PUT" })), [
    "remove"
  ])
} as const
