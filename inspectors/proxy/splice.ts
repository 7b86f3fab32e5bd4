import type { Link } from './link.ts'

/** Relays both ways without looking: a connection whose chain is empty. */
export function splice(link: Link): void {
  const { client, server, toServer, toClient } = link
  toServer.releaseAll()
  toClient.releaseAll()
  client.on('data', (chunk: Buffer) => toServer.forward(chunk))
  server.on('data', (chunk: Buffer) => toClient.forward(chunk))
  client.on('end', () => toServer.end())
  server.on('end', () => toClient.end())
}
