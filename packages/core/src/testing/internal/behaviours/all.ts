/**
 * Every misbehaviour, by its id.
 *
 * @internal
 */
import { connection } from "./connection.ts"
import { discovery } from "./discovery.ts"
import { errors } from "./errors.ts"
import { life } from "./life.ts"
import { success } from "./success.ts"

export const all = { ...success, ...errors, ...connection, ...life, ...discovery } as const
