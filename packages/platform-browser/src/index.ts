/**
 * Browser layers for `@effect-dcr/core`.
 *
 * @since 0.1.0
 */
export * as BrowserDpopSigner from "./BrowserDpopSigner.ts"
export * as BrowserHttpClient from "./BrowserHttpClient.ts"
export * as BrowserRegistration from "./BrowserRegistration.ts"
export * as BrowserRegistrationStore from "./BrowserRegistrationStore.ts"
