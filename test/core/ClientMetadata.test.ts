import * as ClientMetadata from "@effect-dcr/core/ClientMetadata"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { unchecked } from "../support/unchecked.ts"

/** IANA registry "OAuth Dynamic Client Registration Metadata", March 2026, without what only answers have. */
const registered = [
  // RFC 7591
  ..."redirect_uris token_endpoint_auth_method grant_types response_types client_name client_uri logo_uri scope contacts"
    .split(" "),
  ..."tos_uri policy_uri jwks_uri jwks software_id software_version software_statement".split(" "),
  // OpenID Connect Registration
  ..."application_type sector_identifier_uri subject_type id_token_signed_response_alg".split(" "),
  ..."id_token_encrypted_response_alg id_token_encrypted_response_enc userinfo_signed_response_alg".split(" "),
  ..."userinfo_encrypted_response_alg userinfo_encrypted_response_enc request_object_signing_alg".split(" "),
  ..."request_object_encryption_alg request_object_encryption_enc token_endpoint_auth_signing_alg".split(" "),
  ..."default_max_age require_auth_time default_acr_values initiate_login_uri request_uris".split(" "),
  // logout
  ..."frontchannel_logout_uri frontchannel_logout_session_required backchannel_logout_uri".split(" "),
  ..."backchannel_logout_session_required post_logout_redirect_uris".split(" "),
  // RFC 8705, RFC 9101, RFC 9126, RFC 9396, RFC 9449, RFC 9701
  ..."tls_client_certificate_bound_access_tokens tls_client_auth_subject_dn tls_client_auth_san_dns".split(" "),
  ..."tls_client_auth_san_uri tls_client_auth_san_ip tls_client_auth_san_email".split(" "),
  ..."require_signed_request_object require_pushed_authorization_requests".split(" "),
  ..."authorization_details_types dpop_bound_access_tokens introspection_signed_response_alg".split(" "),
  ..."introspection_encrypted_response_alg introspection_encrypted_response_enc".split(" "),
  // FAPI 2.0, UMA 2, Federation, OID4VP, ETSI
  ..."use_mtls_endpoint_aliases claims_redirect_uris client_registration_types signed_jwks_uri".split(" "),
  ..."organization_name description keywords information_uri organization_uri".split(" "),
  ..."encrypted_response_enc_values_supported vp_formats_supported nfv_token_signed_response_alg".split(" "),
  ..."nfv_token_encrypted_response_alg nfv_token_encrypted_response_enc".split(" ")
]

/** In use, and not registered: JARM, CIBA, response modes. */
const inUse = [
  ..."authorization_signed_response_alg authorization_encrypted_response_alg".split(" "),
  ..."authorization_encrypted_response_enc backchannel_token_delivery_mode".split(" "),
  ..."backchannel_client_notification_endpoint backchannel_authentication_request_signing_alg".split(" "),
  ..."backchannel_user_code_parameter response_modes".split(" ")
]

const decode = Schema.decodeUnknownEffect(ClientMetadata.ClientMetadata)
const encode = Schema.encodeEffect(ClientMetadata.ClientMetadata)

const full = {
  redirect_uris: ["https://app.example/cb"],
  token_endpoint_auth_method: "attest_jwt_client_auth",
  grant_types: ["authorization_code", "urn:example:own"],
  response_types: ["code", "vp_token"],
  application_type: "service",
  subject_type: "own",
  client_name: "A",
  "client_name#ja-Jpan-JP": "\u540d",
  "tos_uri#de": "https://app.example/de",
  jwks: { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y", own: { a: [1] } }] },
  default_max_age: 0,
  require_auth_time: false,
  vp_formats_supported: { jwt_vc: { alg: ["ES256"] } },
  vendor: { nested: [null, 1, "a"] },
  "vendor#de": 5
}

describe("members", () => {
  it("are every registered name and those in use, and no other", () => {
    assert.deepStrictEqual(Object.keys(ClientMetadata.members).toSorted(), [...registered, ...inUse].toSorted())
  })

  it("isMember knows them, and nothing that objects inherit", () => {
    for (const name of [...registered, ...inUse]) assert.isTrue(ClientMetadata.isMember(name))
    for (const name of ["client_id", "client_secret", "redirect_urls", "toString", "__proto__", "constructor", ""]) {
      assert.isFalse(ClientMetadata.isMember(name))
    }
  })
})

describe("the schema", () => {
  it.effect("takes all of it in both directions, unknown members and values included", () =>
    Effect.gen(function*() {
      const decoded = yield* decode(full)
      assert.deepStrictEqual<object>(decoded, full)
      assert.deepStrictEqual<object>(yield* encode(decoded), full)
    }))

  it.effect("takes nothing at all", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual<object>(yield* decode({}), {})
    }))

  it.effect("goes through JSON", () =>
    Effect.gen(function*() {
      const codec = Schema.fromJsonString(ClientMetadata.ClientMetadata)
      const text = yield* Schema.encodeEffect(codec)(yield* decode(full))
      assert.deepStrictEqual(JSON.parse(text), full)
      assert.deepStrictEqual<object>(yield* Schema.decodeEffect(codec)(text), full)
    }))

  it.effect("refuses a value of the wrong type, declared or localised", () =>
    Effect.gen(function*() {
      for (
        const wrong of [
          { redirect_uris: "https://app.example/cb" },
          { redirect_uris: [1] },
          { client_name: 5 },
          { "client_name#de": 5 },
          { scope: ["a"] },
          { default_max_age: "5" },
          { require_auth_time: "true" },
          { jwks: { keys: "none" } },
          { contacts: null }
        ]
      ) {
        const error = yield* Effect.flip(decode(wrong))
        assert.include(error.message, Object.keys(wrong).join())
      }
    }))

  it.effect("keeps a member named __proto__ a member", () =>
    Effect.gen(function*() {
      const parsed: unknown = JSON.parse(`{"client_name":"A","__proto__":{"polluted":1}}`)
      const decoded = yield* decode(parsed)
      assert.isTrue(Object.hasOwn(decoded, "__proto__"))
      assert.isUndefined(Reflect.get({}, "polluted"))
    }))
})

describe("withExtensions", () => {
  it("adds members by name", () => {
    assert.deepStrictEqual<object>(
      ClientMetadata.withExtensions({ client_name: "A" }, { vendor: { a: 1 }, other: null }),
      { client_name: "A", vendor: { a: 1 }, other: null }
    )
  })

  it("never replaces what is there", () => {
    assert.deepStrictEqual<object>(
      ClientMetadata.withExtensions({ client_name: "A" }, unchecked({ client_name: "B" })),
      { client_name: "A" }
    )
  })
})
