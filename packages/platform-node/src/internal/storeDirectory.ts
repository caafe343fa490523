/**
 * Where the files of registrations are: for the store, and for the command line, which says so.
 *
 * @internal
 */
import type { RegistrationError } from "@effect-dcr/core/RegistrationError"
import * as Effect from "effect/Effect"
import * as UserDirectories from "effect/persistence/UserDirectories"
import * as Path from "node:path"
import { storeFailed } from "./fileFailure.ts"

/** The directory that was asked for, or else that of the application among the user's data. */
export const storeDirectory = (
  options: { readonly directory: string } | { readonly directory?: undefined; readonly application: string }
): Effect.Effect<string, RegistrationError> =>
  options.directory === undefined
    ? UserDirectories.make().data(options.application).pipe(
      Effect.map((data) => Path.join(data, "registrations")),
      Effect.mapError((cause) =>
        storeFailed("load", "Unavailable", "the data directory of the user is not known: name a directory", cause)
      )
    )
    : Effect.sync(() => Path.resolve(options.directory))
