/**
 * OAuth 2.0 Dynamic Client Registration as Effect programs.
 *
 * @since 0.1.0
 */
export * as AuthorizationServer from "./AuthorizationServer.ts"
export * as AuthorizationServerCache from "./AuthorizationServerCache.ts"
export * as ClientConfiguration from "./ClientConfiguration.ts"
export * as ClientInformation from "./ClientInformation.ts"
export * as ClientMetadata from "./ClientMetadata.ts"
export * as ClientRegistration from "./ClientRegistration.ts"
export * as Deviation from "./Deviation.ts"
export * as Differences from "./Differences.ts"
export * as DpopKey from "./DpopKey.ts"
export * as DpopSigner from "./DpopSigner.ts"
export * as EndpointPolicy from "./EndpointPolicy.ts"
export * as ExchangeLimits from "./ExchangeLimits.ts"
export * as MetadataPreset from "./MetadataPreset.ts"
export * as MetadataRule from "./MetadataRule.ts"
export * as RegisteredClient from "./RegisteredClient.ts"
export * as Registrar from "./Registrar.ts"
export * as RegistrationEncryption from "./RegistrationEncryption.ts"
export * as RegistrationError from "./RegistrationError.ts"
export * as RegistrationRecord from "./RegistrationRecord.ts"
export * as RegistrationStore from "./RegistrationStore.ts"
export * as RetryPolicy from "./RetryPolicy.ts"
export * as Telemetry from "./Telemetry.ts"
export * as Violation from "./Violation.ts"
