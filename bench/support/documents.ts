/** What is sent and answered: about as much as a real client asks for, and as a real server says. */

/** What every side asks for. */
export const asked = {
  redirect_uris: ["https://app.example.com/callback", "https://app.example.com/callback/second"],
  client_name: "An application",
  client_uri: "https://app.example.com/",
  logo_uri: "https://app.example.com/logo.png",
  scope: "openid profile email offline_access",
  contacts: ["admin@app.example.com", "security@app.example.com"],
  tos_uri: "https://app.example.com/tos",
  policy_uri: "https://app.example.com/policy",
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "client_secret_basic",
  software_id: "4NRB1-0XZABZI9E6-5SM3R",
  software_version: "2.1.0"
}

/** The member of the answer that no specification knows: a side that drops it does less than the others. */
export const vendorMember = "x_tenant"

/** A registration of about `size` bytes: what is more than 1 KB is a list in a vendor's member. */
export const registration = (origin: string, size: number): string => {
  const client = {
    client_id: "s6BhdRkqt3-4NRB1-0XZABZI9E6",
    client_id_issued_at: 1_790_000_000,
    client_secret: "cf136dc3c1fc93f31185e5885805d-7Fjfp0ZBr1KtDRbnfVdmIw",
    client_secret_expires_at: 0,
    registration_access_token: "this.is.an.access.token.value.ffx83-ZmFzdGVyIHRoYW4gdGhlIHJlc3Q",
    registration_client_uri: `${origin}/register/s6BhdRkqt3-4NRB1-0XZABZI9E6`,
    ...asked,
    id_token_signed_response_alg: "RS256",
    subject_type: "public",
    application_type: "web",
    require_auth_time: false,
    [vendorMember]: { id: 42, name: "A tenant", regions: ["eu-west", "eu-north"] }
  }
  const item = (index: number) => ({
    id: index,
    name: `Resource ${index}`,
    uri: `https://app.example.com/resources/${index}`,
    enabled: index % 2 === 0
  })
  const room = size - JSON.stringify(client).length
  const count = Math.max(0, Math.floor(room / (JSON.stringify(item(1000)).length + 1)))
  return JSON.stringify(
    count === 0 ? client : { ...client, x_resources: Array.from({ length: count }, (_, i) => item(i)) }
  )
}

/** What the server says about itself. */
export const metadata = (origin: string, size = 1024) => ({
  issuer: origin,
  registration_endpoint: `${origin}/register/${size}`,
  authorization_endpoint: `${origin}/authorize`,
  token_endpoint: `${origin}/token`,
  jwks_uri: `${origin}/jwks`,
  response_types_supported: ["code", "code id_token", "id_token"],
  grant_types_supported: ["authorization_code", "refresh_token", "client_credentials"],
  scopes_supported: ["openid", "profile", "email", "offline_access"],
  subject_types_supported: ["public", "pairwise"],
  token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
  id_token_signing_alg_values_supported: ["RS256", "ES256"],
  dpop_signing_alg_values_supported: ["ES256"]
})
