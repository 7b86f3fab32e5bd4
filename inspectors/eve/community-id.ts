import { createHash } from 'node:crypto'
import { parseAddress } from '#chain/model/ip-address.ts'

const SEED = 0
const NUMBERS = { tcp: 6, udp: 17 } as const

/**
 * Community ID v1 of a connection or flow: the same from both ends and in every tool.
 *
 * @see https://github.com/corelight/community-id-spec
 * @returns `1:` and base64 of SHA-1 over seed, lower endpoint, higher endpoint; undefined when an
 *   address is none
 */
export function communityId(
  clientAddress: string,
  clientPort: number,
  serverAddress: string,
  serverPort: number,
  protocol: keyof typeof NUMBERS = 'tcp',
): string | undefined {
  const client = addressBytes(clientAddress)
  const server = addressBytes(serverAddress)
  if (client === null || server === null || client.length !== server.length) return undefined
  const order = Buffer.compare(client, server)
  const isOrdered = order < 0 || (order === 0 && clientPort < serverPort)
  const [low, lowPort, high, highPort] = isOrdered
    ? [client, clientPort, server, serverPort]
    : [server, serverPort, client, clientPort]
  const data = Buffer.alloc(2 + low.length + high.length + 2 + 4)
  let at = data.writeUInt16BE(SEED, 0)
  at += low.copy(data, at)
  at += high.copy(data, at)
  at = data.writeUInt8(NUMBERS[protocol], at)
  at = data.writeUInt8(0, at)
  at = data.writeUInt16BE(lowPort, at)
  data.writeUInt16BE(highPort, at)
  return `1:${createHash('sha1').update(data).digest('base64')}`
}

function addressBytes(text: string): Buffer | null {
  const address = parseAddress(text)
  if (address === null) return null
  const digits = address.family === 4 ? 8 : 32
  return Buffer.from(address.value.toString(16).padStart(digits, '0'), 'hex')
}
