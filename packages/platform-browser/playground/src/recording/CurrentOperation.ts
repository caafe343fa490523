/** Which entry of the timeline a fiber works for. */
import * as Context from "effect/Context"

export interface CurrentOperation {
  readonly id: number
  /** By the clock that does not jump. */
  readonly start: bigint
}

export const CurrentOperation: Context.Reference<CurrentOperation | undefined> = Context.Reference<
  CurrentOperation | undefined
>("playground/CurrentOperation", { defaultValue: () => undefined })
