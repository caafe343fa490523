/** @internal */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"

/**
 * Options that come from `Config`. The module is loaded here and not at the start, with all that reads configuration: who
 * gives options in this way has it already, and nobody else needs it.
 */
export const unwrapConfig = <Options>(options: Config.Wrap<Options>): Effect.Effect<Options, Config.ConfigError> =>
  Effect.flatMap(Effect.promise(() => import("effect/Config")), (Config) => Config.unwrap(options))
