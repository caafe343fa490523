/**
 * The authorization server of the bench: a process of its own that answers every registration with the same prepared bytes.
 *
 * It reads HTTP by hand, because `node:http` would take as much time as the clients do. It knows three paths:
 *
 * - `POST /register/BYTES`: 201 with a registration of about that size;
 * - `GET /.well-known/...`: the metadata;
 * - `GET /cpu`: the CPU time that this process has used, in microseconds.
 */
import * as Net from "node:net"
import * as Tls from "node:tls"
import { metadata, registration } from "./support/documents.ts"

const [scheme = "http"] = process.argv.slice(2)

const message = (status: string, body: string): Buffer =>
  Buffer.from(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncache-control: no-store\r\npragma: no-cache\r\n` +
      `date: ${new Date().toUTCString()}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )

const registrations = new Map<string, Buffer>()

const answerTo = (method: string, path: string, origin: string): Buffer => {
  if (method === "POST" && path.startsWith("/register/")) {
    let bytes = registrations.get(path)
    if (bytes === undefined) {
      const size = Number(path.slice("/register/".length))
      registrations.set(path, bytes = message("201 Created", registration(origin, size)))
    }
    return bytes
  }
  if (path.startsWith("/.well-known/")) return message("200 OK", JSON.stringify(metadata(origin)))
  if (path === "/cpu") {
    const { system, user } = process.cpuUsage()
    return message("200 OK", JSON.stringify({ cpu: system + user }))
  }
  return message("404 Not Found", "{}")
}

const headEnd = Buffer.from("\r\n\r\n")

const onConnection = (socket: Net.Socket, origin: () => string): void => {
  socket.setNoDelay(true)
  let held: Buffer | undefined
  socket.on("data", (chunk: Buffer) => {
    let data = held === undefined ? chunk : Buffer.concat([held, chunk])
    held = undefined
    while (data.length > 0) {
      const end = data.indexOf(headEnd)
      if (end === -1) break
      const head = data.toString("latin1", 0, end)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? "0")
      const total = end + headEnd.length + length
      if (data.length < total) break
      const [method = "", path = ""] = head.slice(0, head.indexOf("\r\n")).split(" ")
      socket.write(answerTo(method, path, origin()))
      data = data.subarray(total)
    }
    if (data.length > 0) held = data
  }).on("error", () => socket.destroy())
}

const listen = (server: Net.Server): void => {
  server.listen({ port: 0, host: "127.0.0.1", backlog: 65_535 }, () => {
    const address = server.address()
    if (typeof address === "object" && address !== null) process.send?.({ port: address.port })
  })
}

if (scheme === "https") {
  process.once("message", (certificate: { readonly cert: string; readonly key: string }) => {
    const server = Tls.createServer(
      { ...certificate, ALPNProtocols: ["http/1.1"] },
      (socket) => onConnection(socket, () => `https://127.0.0.1:${socket.localPort}`)
    )
    listen(server)
  })
} else {
  listen(Net.createServer((socket) => onConnection(socket, () => `http://127.0.0.1:${socket.localPort}`)))
}
process.once("disconnect", () => process.exit(0))
