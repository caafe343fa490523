/** What a person can do about a failure: one sentence per reason. */
import type { Reason } from "@effect-dcr/core/RegistrationError"

export const advice = (reason: Reason): string => {
  switch (reason._tag) {
    case "InvalidMetadata":
      return "Nothing was sent. Mend the members below; each says which rule it breaks and where the rule stands."
    case "InvalidOptions":
      return "Nothing was sent. Change the option and try again."
    case "EndpointRefused":
      return reason.rule === "InsecureScheme"
        ? "Nothing was sent. Use https, or http on a loopback address."
        : "Nothing was sent. Look at the address: it must be a plain https URL."
    case "Unsupported":
      return "The server does not offer this. Ask whoever runs it, or register the client by hand."
    case "ProofFailed":
      return "Open this page from https or localhost, where the browser lets it make keys, or turn DPoP off."
    case "DiscoveryFailed":
      return reason.retryAfter === undefined
        ? "Compare the issuer with what the server itself says, to the last slash."
        : "The server is busy. Wait and try again."
    case "Transport":
      return offline() ??
        "Look whether the address is right and the server runs. The browser’s console may know more than "
          + "a page is told."
    case "OutcomeUnknown":
      return offline() ??
        "A client may have been created that nobody knows the secret of: look at the server before you "
          + "try again. The browser’s console may know more than a page is told."
    case "RedirectRefused":
      return "Redirects are never followed: they would hand the metadata and the token to another place. "
        + "Enter the address that it points to, if you trust it."
    case "RateLimited":
      return "Nothing was created. Wait, then try again."
    case "NonceExhausted":
      return "The server wants a DPoP nonce that it does not give out, or that this page may not read: "
        + "it has to expose DPoP-Nonce (Access-Control-Expose-Headers)."
    case "InvalidRedirectUri":
      return "Change redirect_uris to what this server allows."
    case "InvalidClientMetadata":
      return "The server refuses a value. Its description says which; change it or leave it out."
    case "InvalidSoftwareStatement":
    case "UnapprovedSoftwareStatement":
      return "Get a software statement that this server accepts."
    case "OAuthError":
      return "The server refused, in its own words."
    case "Unauthorized":
      return "The server wants a token, or another one. For a registration, enter an initial access token; "
        + "a client that cannot be read any more may be gone."
    case "UnexpectedStatus":
      return "This is no answer of a registration endpoint. Look at the address, or at what stands in front of the server."
    case "UnusableAnswer":
      return "A client may exist at the server, but its answer cannot be used. Look there before you try again."
    case "DeviationsRefused":
      return "The client exists and is kept. Its answer departs from the specifications."
    case "StoreFailed":
      return "The browser could not keep the registration. Allow the page to store data, or make room."
  }
}

const offline = (): string | undefined =>
  navigator.onLine ? undefined : "This browser is offline. Connect, then try again."
