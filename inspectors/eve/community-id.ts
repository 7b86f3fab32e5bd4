import { createHash } from 'node:crypto'
import { parseAddress } from '#chain/model/ip-address.ts'

const TCP = 6
const NUMBERS = { tcp: TCP, udp: 17 } as const
/** Protocols whose packets have ports: TCP, UDP, SCTP. */
const WITH_PORTS: ReadonlySet<number> = new Set([TCP, 17, 132])
/** ICMP's stand for what it asks, which only its packets tell. */
const ICMP: ReadonlySet<number> = new Set([1, 58])

/**
 * Community ID v1 of a flow: the same from both ends and in every tool.
 *
 * @see https://github.com/corelight/community-id-spec
 * @param transport name, or number of what the IP header carries
 * @returns `1:` and base64 of SHA-1 over seed, lower endpoint, higher endpoint; undefined when an
 *   address is none, and for ICMP
 */
export function communityId(
  clientAddress: string,
  clientPort: number,
  serverAddress: string,
  serverPort: number,
  transport: 'tcp' | 'udp' | number = TCP,
  seed = 0,
): string | undefined {
  const protocol = typeof transport === 'number' ? transport : NUMBERS[transport]
  if (ICMP.has(protocol)) return undefined

  const client = addressBytes(clientAddress)
  const server = addressBytes(serverAddress)
  if (client === null || server === null || client.length !== server.length) return undefined
  const order = Buffer.compare(client, server)
  const isOrdered = order < 0 || (order === 0 && clientPort < serverPort)
  const [low, lowPort, high, highPort] = isOrdered
    ? [client, clientPort, server, serverPort]
    : [server, serverPort, client, clientPort]
  const hasPorts = WITH_PORTS.has(protocol)
  const data = Buffer.alloc(2 + low.length + high.length + 2 + (hasPorts ? 4 : 0))
  let at = data.writeUInt16BE(seed & 0xffff, 0)
  at += low.copy(data, at)
  at += high.copy(data, at)
  at = data.writeUInt8(protocol, at)
  at = data.writeUInt8(0, at)
  if (hasPorts) {
    at = data.writeUInt16BE(lowPort, at)
    data.writeUInt16BE(highPort, at)
  }
  return `1:${createHash('sha1').update(data).digest('base64')}`
}

function addressBytes(text: string): Buffer | null {
  const address = parseAddress(text)
  if (address === null) return null
  const digits = address.family === 4 ? 8 : 32
  return Buffer.from(address.value.toString(16).padStart(digits, '0'), 'hex')
}
