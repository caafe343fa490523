export interface RegisteredClient {
  readonly todo: true
}
