/**
 * Browser layers for `@effect-dcr/core`.
 *
 * @since 0.1.0
 */
export * as BrowserRegistration from "./BrowserRegistration.ts"
