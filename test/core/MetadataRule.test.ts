import type { AuthorizationServer } from "@effect-dcr/core/AuthorizationServer"
import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import * as MetadataRule from "@effect-dcr/core/MetadataRule"
import { assert, describe, it } from "@effect/vitest"
import { unchecked } from "../support/unchecked.ts"

type Metadata = Readonly<Record<string, unknown>>

/** A web client of the code flow, which breaks no rule. */
const good: Metadata = {
  redirect_uris: ["https://app.example/cb"],
  client_name: "My app",
  client_uri: "https://app.example/"
}

const violations = (members: Metadata, options?: MetadataRule.ValidateOptions) =>
  MetadataRule.validate(unchecked({ ...good, ...members }), options)

/** `rule member`, in the order in which they are listed. */
const broken = (members: Metadata, options?: MetadataRule.ValidateOptions) =>
  violations(members, options).map(({ member, rule }) => `${rule} ${member}`)

const publicKey = { kty: "EC", crv: "P-256", x: "x", y: "y" }

interface Examples {
  readonly severity: "error" | "warning"
  /** Metadata that keeps the rule, on top of `good`. */
  readonly keeps: ReadonlyArray<Metadata>
  /** Metadata that breaks it, with the members at fault. */
  readonly breaks: ReadonlyArray<readonly [metadata: Metadata, ...members: ReadonlyArray<string>]>
  /** Whether a software statement makes it a warning, because the member may sit inside it. */
  readonly inStatement?: true
}

const redirects = (...uris: ReadonlyArray<string>): Metadata => ({ redirect_uris: uris })

const implicit = (...uris: ReadonlyArray<string>): Metadata => ({
  redirect_uris: uris,
  grant_types: ["implicit"],
  response_types: ["id_token token"]
})

const circular: { self?: unknown } = {}
circular.self = circular

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

const examples: { readonly [Id in Exclude<MetadataRule.RuleId, "supported-by-server">]: Examples } = {
  "member-type": {
    severity: "error",
    keeps: [
      { contacts: [] },
      { default_max_age: 0 },
      { jwks_uri: undefined },
      { vendor: { a: [1, "b", null, true, { c: undefined }] } },
      { vendor: nested(60) },
      { vendor: Object.create(null) },
      { vp_formats_supported: { jwt_vc: { alg: ["ES256"] } } },
      { jwks: { keys: [{ ...publicKey, kid: undefined }] } }
    ],
    breaks: [
      [{ redirect_uris: "https://app.example/cb" }, "redirect_uris"],
      [{ redirect_uris: [null] }, "redirect_uris"],
      [{ grant_types: "authorization_code" }, "grant_types"],
      [{ response_types: { 0: "code" } }, "response_types"],
      [{ scope: ["openid"] }, "scope"],
      [{ client_name: 5 }, "client_name"],
      [{ "client_name#de": ["a"] }, "client_name#de"],
      [{ require_auth_time: "true" }, "require_auth_time"],
      [{ default_max_age: "5" }, "default_max_age"],
      [{ jwks: publicKey }, "jwks"],
      [{ jwks: { keys: publicKey } }, "jwks"],
      [{ contacts: "a", scope: 5 }, "contacts", "scope"],
      // What JSON cannot say as it is.
      [{ vendor: 1n }, "vendor"],
      [{ vendor: circular }, "vendor"],
      [{ vendor: nested(100) }, "vendor"],
      [{ vendor: () => 1 }, "vendor"],
      [{ vendor: { a: [Symbol("a")] } }, "vendor"],
      [{ vendor: [NaN] }, "vendor"],
      [{ default_max_age: NaN }, "default_max_age"],
      [{ vp_formats_supported: { jwt_vc: Infinity } }, "vp_formats_supported"],
      [{ jwks: { keys: [{ ...publicKey, kid: 1n }] } }, "jwks"]
    ]
  },
  "no-null-or-empty": {
    severity: "error",
    keeps: [{ contacts: undefined }, { response_types: ["code"] }, { vendor: false }, { vendor: { inner: null } }],
    breaks: [
      [{ contacts: null }, "contacts"],
      [{ logo_uri: "" }, "logo_uri"],
      [{ "client_name#de": "" }, "client_name#de"],
      [{ vendor: null }, "vendor"],
      [{ jwks: null, tos_uri: "" }, "jwks", "tos_uri"],
      [{ contacts: ["a", ""] }, "contacts[1]"],
      [{ redirect_uris: [""] }, "redirect_uris[0]"],
      [{ grant_types: ["", "authorization_code"] }, "grant_types[0]"]
    ]
  },
  "redirect-uris-required": {
    severity: "error",
    inStatement: true,
    keeps: [
      { redirect_uris: undefined, grant_types: ["client_credentials"], response_types: [] },
      { redirect_uris: undefined, grant_types: ["urn:ietf:params:oauth:grant-type:device_code"], response_types: [] }
    ],
    breaks: [
      [{ redirect_uris: undefined }, "redirect_uris"],
      [{ redirect_uris: [] }, "redirect_uris"],
      [{ redirect_uris: undefined, grant_types: ["client_credentials", "authorization_code"] }, "redirect_uris"],
      [{ redirect_uris: undefined, grant_types: ["implicit"], response_types: ["token"] }, "redirect_uris"]
    ]
  },
  "redirect-uri-absolute": {
    severity: "error",
    keeps: [
      redirects("https://app.example"),
      redirects("https://app.example/cb?a=b%20c&d=(e)*"),
      redirects("https://[2001:db8::1]:8443/cb"),
      redirects("http://localhost:3000/cb"),
      redirects("com.example.app:/cb"),
      redirects("com.example.app://cb"),
      redirects("https://*.example.com/cb"),
      redirects("urn:ietf:wg:oauth:2.0:oob")
    ],
    breaks: [
      [redirects("/cb"), "redirect_uris[0]"],
      [redirects("app.example/cb"), "redirect_uris[0]"],
      [redirects("//app.example/cb"), "redirect_uris[0]"],
      [redirects("https://app.example/cb", "https://"), "redirect_uris[1]"],
      [redirects("https://app.example:99999/"), "redirect_uris[0]"],
      // The parser of browsers would forgive these; a server that compares strings does not (RFC 3986).
      [redirects(" https://app.example/cb"), "redirect_uris[0]"],
      [redirects("https://app.example/cb\n"), "redirect_uris[0]"],
      [redirects("https://app.example/c b"), "redirect_uris[0]"],
      [redirects("https:\\\\app.example\\cb"), "redirect_uris[0]"],
      [redirects("https:app.example"), "redirect_uris[0]"],
      [redirects("https:/app.example"), "redirect_uris[0]"],
      [redirects("https://app.example/\u00fc"), "redirect_uris[0]"],
      [redirects("https://\u00fc.example/"), "redirect_uris[0]"],
      [redirects("https://app.example/<cb>"), "redirect_uris[0]"]
    ]
  },
  "redirect-uri-fragment": {
    severity: "error",
    keeps: [redirects("https://app.example/cb%23a")],
    breaks: [
      [redirects("https://app.example/cb#a"), "redirect_uris[0]"],
      [redirects("https://app.example/cb#"), "redirect_uris[0]"],
      [redirects("com.example.app:/cb#a"), "redirect_uris[0]"]
    ]
  },
  "redirect-uri-script": {
    severity: "error",
    keeps: [redirects("com.example.javascript:/cb"), { post_logout_redirect_uris: ["https://app.example/bye"] }],
    breaks: [
      ...[
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "blob:https://a.example/x",
        "file:///etc/passwd",
        "about:blank"
      ].map((uri) => [redirects("https://app.example/cb", uri), "redirect_uris[1]"] as const),
      [redirects("java\nscript:alert(1)"), "redirect_uris[0]"],
      [redirects(" javascript:alert(1)"), "redirect_uris[0]"],
      [{ post_logout_redirect_uris: ["javascript:alert(1)"] }, "post_logout_redirect_uris[0]"],
      [{ claims_redirect_uris: ["data:text/html,x"] }, "claims_redirect_uris[0]"]
    ]
  },
  "web-implicit-https": {
    severity: "error",
    inStatement: true,
    keeps: [
      implicit("https://app.example/cb"),
      { ...implicit("http://localhost/cb"), application_type: "native" },
      redirects("http://app.example/cb")
    ],
    breaks: [
      [implicit("http://app.example/cb"), "redirect_uris[0]"],
      [implicit("https://localhost/cb"), "redirect_uris[0]"],
      [implicit("https://app.example/cb", "com.example.app:/cb"), "redirect_uris[1]"],
      [{ ...implicit("http://app.example/cb"), application_type: "web" }, "redirect_uris[0]"],
      [
        {
          ...redirects("http://app.example/cb"),
          grant_types: ["authorization_code", "implicit"],
          response_types: ["code id_token"]
        },
        "redirect_uris[0]"
      ]
    ]
  },
  "native-redirect-uri": {
    severity: "warning",
    keeps: [
      { ...redirects("com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]:8080/"), application_type: "native" },
      { application_type: "web" }
    ],
    breaks: [[
      { ...redirects("com.example.app:/cb", "https://app.example/cb"), application_type: "native" },
      "redirect_uris[1]"
    ]]
  },
  "redirect-uri-plain-http": {
    severity: "warning",
    keeps: [redirects("http://localhost:8080/cb", "http://127.0.0.1/", "http://[::1]/", "com.example.app:/cb")],
    breaks: [
      [redirects("http://app.example/cb"), "redirect_uris[0]"],
      [redirects("https://app.example/cb", "http://127.0.0.1.example/"), "redirect_uris[1]"],
      [redirects("http://10.0.0.1/cb"), "redirect_uris[0]"]
    ]
  },
  "redirect-uri-query": {
    severity: "warning",
    keeps: [redirects("https://app.example/cb?tenant=1"), redirects("https://app.example/code/state?mycode=1")],
    breaks: [
      [redirects("https://app.example/cb?code=1"), "redirect_uris[0]"],
      [redirects("https://app.example/cb?a=1&state"), "redirect_uris[0]"],
      [redirects("com.example.app:/cb?response=x"), "redirect_uris[0]"]
    ]
  },
  "grant-types-for-response-types": {
    severity: "error",
    inStatement: true,
    keeps: [
      { grant_types: ["authorization_code"], response_types: ["code"] },
      { grant_types: ["implicit"], response_types: ["id_token", "token id_token"] },
      { grant_types: ["authorization_code", "implicit"], response_types: ["token code", "id_token code token"] },
      { grant_types: ["client_credentials"], response_types: [] },
      { grant_types: ["authorization_code"], response_types: ["code", "none", "vp_token"] }
    ],
    breaks: [
      [{ response_types: ["code", "token"] }, "grant_types"],
      [{ response_types: ["code", "id_token"] }, "grant_types"],
      [{ grant_types: ["implicit"], response_types: ["code token"] }, "grant_types"],
      [{ grant_types: ["client_credentials"] }, "grant_types"],
      [{ grant_types: ["client_credentials"], response_types: ["code id_token"] }, "grant_types", "grant_types"]
    ]
  },
  "response-types-for-grant-types": {
    severity: "error",
    inStatement: true,
    keeps: [
      { grant_types: ["authorization_code", "refresh_token"] },
      { grant_types: ["implicit"], response_types: ["token"] },
      { grant_types: ["authorization_code", "implicit"], response_types: ["code id_token"] },
      { grant_types: ["refresh_token"], response_types: [] }
    ],
    breaks: [
      [{ response_types: [] }, "response_types"],
      [{ grant_types: ["authorization_code", "implicit"], response_types: ["code"] }, "response_types"],
      [{ grant_types: ["authorization_code", "implicit"], response_types: ["id_token"] }, "response_types"],
      [{ grant_types: ["authorization_code", "implicit"], response_types: [] }, "response_types", "response_types"]
    ]
  },
  "jwks-or-jwks-uri": {
    severity: "error",
    keeps: [{ jwks: { keys: [publicKey] } }, { jwks_uri: "https://app.example/jwks" }],
    breaks: [[{ jwks: { keys: [publicKey] }, jwks_uri: "https://app.example/jwks" }, "jwks"]]
  },
  "jwks-public": {
    severity: "error",
    keeps: [
      { jwks: { keys: [publicKey, { kty: "RSA", n: "n", e: "AQAB" }, { kty: "OKP", crv: "Ed25519", x: "x" }] } },
      { jwks: { keys: [{ kty: "AKP", alg: "ML-DSA-44", pub: "p" }] } }
    ],
    breaks: [
      [{ jwks: { keys: [{ ...publicKey, d: "d" }] } }, "jwks.keys[0]"],
      [{ jwks: { keys: [publicKey, { kty: "RSA", n: "n", e: "e", d: "d", p: "p", q: "q" }] } }, "jwks.keys[1]"],
      [{ jwks: { keys: [{ kty: "RSA", n: "n", e: "e", oth: [] }] } }, "jwks.keys[0]"],
      [{ jwks: { keys: [{ kty: "oct", k: "k" }] } }, "jwks.keys[0]"],
      [{ jwks: { keys: [{ kty: "oct" }] } }, "jwks.keys[0]"],
      [{ jwks: { keys: [{ k: "k" }] } }, "jwks.keys[0]"],
      // RFC 9964: the seed of a post-quantum key.
      [{ jwks: { keys: [{ kty: "AKP", alg: "ML-DSA-44", pub: "p", priv: "s" }] } }, "jwks.keys[0]"],
      // A private key in the place of a set.
      [{ jwks: { ...publicKey, d: "d", keys: [publicKey] } }, "jwks"]
    ]
  },
  "jwks-use": {
    severity: "error",
    keeps: [
      { jwks: { keys: [publicKey, publicKey] } },
      { jwks: { keys: [{ ...publicKey, use: "sig" }, { ...publicKey, use: "enc" }] } }
    ],
    breaks: [
      [{ jwks: { keys: [{ ...publicKey, use: "sig" }, publicKey] } }, "jwks"],
      [{ jwks: { keys: [{ ...publicKey, use: "sig" }, { ...publicKey, use: "enc" }, publicKey] } }, "jwks"]
    ]
  },
  "keys-for-authentication": {
    severity: "error",
    inStatement: true,
    keeps: [
      { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://app.example/jwks" },
      { token_endpoint_auth_method: "self_signed_tls_client_auth", jwks: { keys: [publicKey] } },
      { token_endpoint_auth_method: "private_key_jwt", signed_jwks_uri: "https://app.example/jwks" },
      { token_endpoint_auth_method: "client_secret_jwt" }
    ],
    breaks: [
      [{ token_endpoint_auth_method: "private_key_jwt" }, "jwks"],
      [{ token_endpoint_auth_method: "self_signed_tls_client_auth" }, "jwks"],
      [{ token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [] } }, "jwks"]
    ]
  },
  "keys-for-encryption": {
    severity: "error",
    inStatement: true,
    keeps: [
      { id_token_encrypted_response_alg: "RSA-OAEP-256", jwks_uri: "https://app.example/jwks" },
      { id_token_encrypted_response_alg: "A128KW" },
      { userinfo_encrypted_response_alg: "dir" },
      // Encrypted to a key of the server.
      { request_object_encryption_alg: "ECDH-ES" }
    ],
    breaks: [
      [{ id_token_encrypted_response_alg: "RSA-OAEP" }, "jwks"],
      [{ userinfo_encrypted_response_alg: "ECDH-ES+A128KW" }, "jwks"],
      [{ introspection_encrypted_response_alg: "ECDH-ES" }, "jwks"],
      [{ authorization_encrypted_response_alg: "RSA1_5", jwks: { keys: [] } }, "jwks"],
      [{ nfv_token_encrypted_response_alg: "ECDH-ES" }, "jwks"]
    ]
  },
  "tls-client-auth-subject": {
    severity: "error",
    inStatement: true,
    keeps: [
      { token_endpoint_auth_method: "tls_client_auth", tls_client_auth_subject_dn: "CN=app" },
      { token_endpoint_auth_method: "tls_client_auth", tls_client_auth_san_email: "a@example.com" },
      { token_endpoint_auth_method: "self_signed_tls_client_auth", jwks_uri: "https://app.example/jwks" }
    ],
    breaks: [
      [{ token_endpoint_auth_method: "tls_client_auth" }, "token_endpoint_auth_method"],
      [
        {
          token_endpoint_auth_method: "tls_client_auth",
          tls_client_auth_san_dns: "app.example",
          tls_client_auth_san_ip: "192.0.2.1"
        },
        "token_endpoint_auth_method"
      ]
    ]
  },
  "auth-signing-alg-none": {
    severity: "error",
    keeps: [{ token_endpoint_auth_method: "client_secret_jwt", token_endpoint_auth_signing_alg: "HS256" }],
    breaks: [
      [
        { token_endpoint_auth_method: "client_secret_jwt", token_endpoint_auth_signing_alg: "none" },
        "token_endpoint_auth_signing_alg"
      ]
    ]
  },
  "auth-signing-alg-method": {
    severity: "warning",
    keeps: [
      { token_endpoint_auth_method: "client_secret_jwt", token_endpoint_auth_signing_alg: "HS256" },
      {
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "ES256",
        jwks: { keys: [publicKey] }
      }
    ],
    breaks: [
      [{ token_endpoint_auth_signing_alg: "ES256" }, "token_endpoint_auth_signing_alg"],
      [
        { token_endpoint_auth_method: "client_secret_post", token_endpoint_auth_signing_alg: "ES256" },
        "token_endpoint_auth_signing_alg"
      ]
    ]
  },
  "id-token-alg-none": {
    severity: "error",
    inStatement: true,
    keeps: [
      { id_token_signed_response_alg: "none" },
      { ...implicit("https://app.example/cb"), id_token_signed_response_alg: "RS256" }
    ],
    breaks: [
      [{ ...implicit("https://app.example/cb"), id_token_signed_response_alg: "none" }, "id_token_signed_response_alg"]
    ]
  },
  "enc-needs-alg": {
    severity: "error",
    inStatement: true,
    keeps: [
      {
        id_token_encrypted_response_enc: "A256GCM",
        id_token_encrypted_response_alg: "RSA-OAEP",
        jwks_uri: "https://app.example/jwks"
      }
    ],
    breaks: [
      "id_token_encrypted_response_enc",
      "userinfo_encrypted_response_enc",
      "request_object_encryption_enc",
      "introspection_encrypted_response_enc",
      "authorization_encrypted_response_enc",
      "nfv_token_encrypted_response_enc"
    ].map((member) => [{ [member]: "A256GCM" }, member] as const)
  },
  "sector-identifier-https": {
    severity: "error",
    keeps: [{ sector_identifier_uri: "https://app.example/sector" }],
    breaks: [
      [{ sector_identifier_uri: "http://app.example/sector" }, "sector_identifier_uri"],
      [{ sector_identifier_uri: "app.example" }, "sector_identifier_uri"],
      [{ sector_identifier_uri: " https://app.example/sector" }, "sector_identifier_uri"]
    ]
  },
  "sector-identifier-required": {
    severity: "error",
    inStatement: true,
    keeps: [
      { ...redirects("https://a.example/1", "https://a.example/2"), subject_type: "pairwise" },
      // One host, several ports; and what has no host.
      {
        ...redirects("https://a.example/", "https://a.example:8443/", "com.example.app:/cb"),
        subject_type: "pairwise"
      },
      { ...redirects("https://a.example/", "https://b.example/"), subject_type: "public" },
      { ...redirects("https://a.example/", "https://b.example/") },
      {
        ...redirects("https://a.example/", "https://b.example/"),
        subject_type: "pairwise",
        sector_identifier_uri: "https://a.example/s"
      }
    ],
    breaks: [
      [{ ...redirects("https://a.example/", "https://b.example/"), subject_type: "pairwise" }, "sector_identifier_uri"]
    ]
  },
  "jwks-uri-https": {
    severity: "error",
    keeps: [
      { jwks_uri: "https://app.example/jwks" },
      { jwks_uri: "http://127.0.0.1:8080/jwks", signed_jwks_uri: "http://localhost/jwks" },
      { signed_jwks_uri: "https://app.example/jwks.jwt" }
    ],
    breaks: [
      [{ jwks_uri: "http://app.example/jwks" }, "jwks_uri"],
      [{ jwks_uri: "/jwks" }, "jwks_uri"],
      [{ jwks_uri: "https://app.example/j wks" }, "jwks_uri"],
      [{ jwks_uri: "javascript:alert(1)" }, "jwks_uri"],
      [{ signed_jwks_uri: "http://app.example/jwks.jwt" }, "signed_jwks_uri"]
    ]
  },
  "initiate-login-https": {
    severity: "error",
    keeps: [{ initiate_login_uri: "https://app.example/login" }],
    breaks: [
      [{ initiate_login_uri: "http://app.example/login" }, "initiate_login_uri"],
      [{ initiate_login_uri: "/login" }, "initiate_login_uri"]
    ]
  },
  "request-uris-https": {
    severity: "error",
    inStatement: true,
    keeps: [
      { request_uris: ["https://app.example/r#hash"] },
      { request_uris: ["http://app.example/r"], request_object_signing_alg: "ES256" }
    ],
    breaks: [
      [{ request_uris: ["https://app.example/r", "http://app.example/r"] }, "request_uris[1]"],
      [{ request_uris: ["http://app.example/r"], request_object_signing_alg: "none" }, "request_uris[0]"]
    ]
  },
  "information-uris": {
    severity: "error",
    keeps: [
      {
        logo_uri: "https://app.example/logo.png",
        tos_uri: "http://app.example/tos",
        "policy_uri#de": "https://app.example/\u00fc",
        policy_uri: "https://app.example/"
      },
      { client_uri: undefined }
    ],
    breaks: [
      [{ client_uri: "app.example" }, "client_uri"],
      [{ logo_uri: "data:image/png;base64,x" }, "logo_uri"],
      [{ tos_uri: "javascript:alert(1)", policy_uri: "ftp://app.example/" }, "tos_uri", "policy_uri"],
      [{ "client_uri#de": "x" }, "client_uri#de"],
      [{ logo_uri: " https://app.example/logo.png" }, "logo_uri"]
    ]
  },
  "logout-uri": {
    severity: "error",
    keeps: [
      {
        post_logout_redirect_uris: ["https://app.example/bye", "com.example.app:/bye"],
        backchannel_logout_uri: "https://app.example/logout?a=b"
      }
    ],
    breaks: [
      [{ post_logout_redirect_uris: ["/bye"] }, "post_logout_redirect_uris[0]"],
      [
        { post_logout_redirect_uris: ["https://app.example/", "https://app.example/#x"] },
        "post_logout_redirect_uris[1]"
      ],
      [{ backchannel_logout_uri: "https://app.example/logout#x" }, "backchannel_logout_uri"],
      [{ backchannel_logout_uri: "/logout" }, "backchannel_logout_uri"],
      [{ backchannel_logout_uri: "com.example.app:/logout" }, "backchannel_logout_uri"]
    ]
  },
  "frontchannel-logout-origin": {
    severity: "error",
    inStatement: true,
    keeps: [
      { frontchannel_logout_uri: "https://app.example/logout" },
      { frontchannel_logout_uri: "https://app.example:443/logout?a=b" },
      { ...redirects("com.example.app:/cb", "https://b.example/"), frontchannel_logout_uri: "https://b.example/logout" }
    ],
    breaks: [
      [{ frontchannel_logout_uri: "http://app.example/logout" }, "frontchannel_logout_uri"],
      [{ frontchannel_logout_uri: "https://app.example:8443/logout" }, "frontchannel_logout_uri"],
      [{ frontchannel_logout_uri: "https://other.example/logout" }, "frontchannel_logout_uri"],
      [{ frontchannel_logout_uri: "/logout" }, "frontchannel_logout_uri"],
      // Two custom schemes have the same opaque origin, and no URL at all has none: that makes neither alike.
      [
        { ...redirects("com.example.app:/cb"), frontchannel_logout_uri: "org.other:/logout" },
        "frontchannel_logout_uri"
      ],
      [{ ...redirects("no url"), frontchannel_logout_uri: "no url either" }, "frontchannel_logout_uri"],
      [
        {
          redirect_uris: undefined,
          grant_types: ["client_credentials"],
          response_types: [],
          frontchannel_logout_uri: "https://app.example/logout"
        },
        "frontchannel_logout_uri"
      ]
    ]
  },
  "default-max-age": {
    severity: "error",
    keeps: [{ default_max_age: 0 }, { default_max_age: 3600 }],
    breaks: [-1, 1.5].map((age) => [{ default_max_age: age }, "default_max_age"] as const)
  },
  "one-sender-constraint": {
    severity: "warning",
    keeps: [
      { dpop_bound_access_tokens: true },
      { dpop_bound_access_tokens: false, tls_client_certificate_bound_access_tokens: true }
    ],
    breaks: [
      [{ dpop_bound_access_tokens: true, tls_client_certificate_bound_access_tokens: true }, "dpop_bound_access_tokens"]
    ]
  },
  "unregistered-name": {
    severity: "warning",
    keeps: [Object.fromEntries(Object.keys(ClientMetadata.members).map((name) => [name, undefined])), {
      "logo_uri#de": "https://a.example/",
      logo_uri: "https://a.example/"
    }],
    breaks: [
      [{ redirect_urls: ["https://app.example/cb"] }, "redirect_urls"],
      [{ my_very_own_extension: 1 }, "my_very_own_extension"],
      [{ "scope#de": "x" }, "scope#de"],
      [{ client_id: "c", client_secret: "s" }, "client_id", "client_secret"]
    ]
  },
  "untagged-beside-localized": {
    severity: "warning",
    keeps: [{ "client_name#de": "Meine App" }],
    breaks: [
      [{ client_name: undefined, "client_name#de": "Meine App" }, "client_name"],
      [{ "tos_uri#de": "https://a.example/de", "tos_uri#fr": "https://a.example/fr" }, "tos_uri"]
    ]
  }
}

describe("rules", () => {
  it("each has examples", () => {
    assert.deepStrictEqual(
      MetadataRule.rules.map(({ id }) => id).toSorted(),
      Object.keys(examples).toSorted()
    )
    assert.deepStrictEqual(broken({}), [])
  })

  for (const rule of MetadataRule.rules) {
    const id: string = rule.id
    const found = Object.entries(examples).find(([name]) => name === id)?.[1]
    if (found === undefined) continue
    describe(id, () => {
      const only = (members: Metadata) => violations(members).filter((violation) => violation.rule === id)

      it("is kept", () => {
        assert.isNotEmpty(found.keeps)
        for (const members of found.keeps) assert.deepStrictEqual(only(members), [], describeMembers(members))
      })

      it("is broken", () => {
        assert.isNotEmpty(found.breaks)
        for (const [members, ...at] of found.breaks) {
          const listed = only(members)
          assert.deepStrictEqual(listed.map(({ member }) => member), [...at], describeMembers(members))
          for (const violation of listed) {
            assert.strictEqual(violation.severity, found.severity)
            assert.strictEqual(violation.severity, rule.severity)
            assert.strictEqual(violation.section, rule.section)
            assert.isNotEmpty(violation.message)
          }
        }
      })

      it(`${found.inStatement === true ? "is" : "is not"} a matter of a software statement`, () => {
        const [[members]] = [found.breaks[0] ?? assert.fail("no example")]
        const severities = new Set(only({ ...members, software_statement: "a.b.c" }).map(({ severity }) => severity))
        assert.deepStrictEqual([...severities], [found.inStatement === true ? "warning" : found.severity])
      })

      it("names a section", () => {
        assert.match(rule.section, /^(RFC \d{4}|OpenID Connect [A-Za-z-]+( Logout)?) §\d/)
      })
    })
  }
})

const describeMembers = (members: Metadata): string => Object.keys(members).join(" ")

describe("messages", () => {
  it("hold no value", () => {
    const secret = "s3cret"
    for (const { breaks } of Object.values(examples)) {
      for (const [members] of breaks) {
        const swapped = Object.fromEntries(
          Object.entries(members).map(([name, value]) => [
            name,
            typeof value === "string"
              ? value + secret
              : Array.isArray(value)
              ? value.map((item: unknown) => typeof item === "string" ? item + secret : item)
              : value
          ])
        )
        assert.notInclude(JSON.stringify(violations(swapped)), secret)
      }
    }
  })

  const messageOf = (name: string) => violations({ [name]: "x" }).map(({ message }) => message)

  it("a misspelt name is told the nearest that is registered", () => {
    const near: ReadonlyArray<readonly [name: string, meant: string | undefined]> = [
      ["redirect_urls", "redirect_uris"],
      ["redirectUris", "redirect_uris"],
      ["clientname", "client_name"],
      ["token_endpoint_auth_methods", "token_endpoint_auth_method"],
      ["scopes", "scope"],
      ["jwk", "jwks"],
      ["post_logout_redirect_uri", "post_logout_redirect_uris"],
      ["completely_different", undefined],
      ["", undefined]
    ]
    for (const [name, meant] of near) {
      assert.deepStrictEqual(messageOf(name), [
        `is not a registered name${meant === undefined ? "" : `; is ${meant} meant?`}`
      ])
    }
  })

  it("a name that only answers have is told so", () => {
    for (const name of ["client_id", "client_secret", "registration_access_token", "client_id_issued_at"]) {
      assert.deepStrictEqual(messageOf(name), ["is given by the server and cannot be asked for"])
    }
  })

  it("a name of any length is compared in time", () => {
    const start = performance.now()
    messageOf("redirect_uris".repeat(1000))
    assert.isBelow(performance.now() - start, 500)
  })
})

describe("validate", () => {
  it("lists all violations at once, in the order of the rules", () => {
    assert.deepStrictEqual(
      broken({
        redirect_uris: ["/cb", "https://app.example/#a"],
        grant_types: ["client_credentials", "authorization_code"],
        response_types: ["code token"],
        contacts: null,
        default_max_age: -1,
        jwks: { keys: [{ kty: "oct" }] },
        redirect_url: 1
      }),
      [
        "no-null-or-empty contacts",
        "redirect-uri-absolute redirect_uris[0]",
        "redirect-uri-fragment redirect_uris[1]",
        "web-implicit-https redirect_uris[0]",
        "grant-types-for-response-types grant_types",
        "jwks-public jwks.keys[0]",
        "default-max-age default_max_age",
        "unregistered-name redirect_url"
      ]
    )
  })

  it("takes anything as metadata", () => {
    const values = [
      null,
      "",
      "x",
      0,
      -1,
      NaN,
      true,
      [],
      {},
      [null],
      [[]],
      { keys: [null] },
      { keys: [{}] },
      1n,
      () => 1,
      Symbol("a")
    ]
    for (const name of [...Object.keys(ClientMetadata.members), "client_name#de", "vendor", "__proto__", "toJSON"]) {
      for (const value of values) {
        const members: Record<string, unknown> = {}
        Object.defineProperty(members, name, { value, enumerable: true })
        assert.doesNotThrow(() => violations({ ...members }), `${name}: ${typeof value}`)
      }
    }
  })

  it("a value of the wrong type is no concern of the other rules", () => {
    assert.deepStrictEqual(broken({ client_uri: 5, jwks: "x", default_max_age: "-1" }), [
      "member-type client_uri",
      "member-type jwks",
      "member-type default_max_age"
    ])
  })

  it("rules can be turned off by name, and warnings made errors", () => {
    const members = { ...redirects("http://app.example/cb"), client_uri: "x", vendor: 1 }
    assert.deepStrictEqual(broken(members, { rulesOff: ["information-uris", "unregistered-name"] }), [
      "redirect-uri-plain-http redirect_uris[0]"
    ])
    assert.deepStrictEqual(
      new Set(violations(members, { failOnWarnings: true }).map(({ severity }) => severity)),
      new Set(["error"])
    )
  })

  it("more rules can be given, and go by the same options", () => {
    const rule: MetadataRule.MetadataRule = {
      id: "ours",
      member: "client_name",
      severity: "error",
      section: "House rules §1",
      isPresence: true,
      check: ({ client_name }) => client_name === "My app" ? [{ message: "is taken" }] : []
    }
    assert.deepStrictEqual(violations({}, { rules: [rule] }), [
      { rule: "ours", member: "client_name", severity: "error", section: "House rules §1", message: "is taken" }
    ])
    assert.deepStrictEqual(
      violations({ software_statement: "a.b.c" }, { rules: [rule] }).map(({ severity }) => severity),
      [
        "warning"
      ]
    )
    assert.deepStrictEqual(violations({}, { rules: [rule], rulesOff: ["ours"] }), [])
  })
})

describe("supported-by-server", () => {
  const unsupported = (server: Partial<AuthorizationServer>, members: Metadata) =>
    violations(members, { server: { issuer: "https://op.example", ...server } }).map((
      { member, message, rule, severity }
    ) => `${rule} ${severity} ${member}: ${message}`)

  it("is silent about what the server does not list", () => {
    assert.deepStrictEqual(unsupported({}, { scope: "x", grant_types: ["authorization_code", "y"] }), [])
  })

  it("warns of what is not on the server's list, once per member", () => {
    assert.deepStrictEqual(
      unsupported(
        {
          grant_types_supported: ["authorization_code"],
          scopes_supported: ["openid"],
          subject_types_supported: ["public"]
        },
        { grant_types: ["authorization_code", "a", "b"], scope: "openid  email", subject_type: "pairwise" }
      ),
      [
        "supported-by-server warning grant_types: has a value that the server does not list in grant_types_supported",
        "supported-by-server warning scope: has a value that the server does not list in scopes_supported",
        "supported-by-server warning subject_type: has a value that the server does not list in subject_types_supported"
      ]
    )
  })

  it("takes the words of a response type in any order", () => {
    const members = { grant_types: ["authorization_code", "implicit"], response_types: ["id_token code"] }
    assert.deepStrictEqual(unsupported({ response_types_supported: ["code id_token"] }, members), [])
  })

  it("does not look at values of the wrong type", () => {
    assert.deepStrictEqual(
      broken({ grant_types: 5 }, { server: { issuer: "https://op.example", grant_types_supported: [] } }),
      ["member-type grant_types"]
    )
  })
})
