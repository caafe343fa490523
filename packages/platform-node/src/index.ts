/**
 * Node layers for `@effect-dcr/core`.
 *
 * @since 0.1.0
 */
export * as NodeDpopSigner from "./NodeDpopSigner.ts"
export * as NodeHttpClient from "./NodeHttpClient.ts"
export * as NodeRegistration from "./NodeRegistration.ts"
export * as NodeRegistrationStore from "./NodeRegistrationStore.ts"
