/** Packets as they stand in captures, sums and all. */

export const FIN = 1
export const SYN = 2
export const RST = 4
export const PSH = 8
export const ACK = 16
export const URG = 32

export interface Segment {
  readonly from?: readonly number[]
  readonly to?: readonly number[]
  readonly fromPort?: number
  readonly toPort?: number
  readonly sequence: number
  readonly acknowledgement?: number
  readonly flags: number
  readonly window?: number
  readonly urgent?: number
  readonly options?: Buffer
  readonly payload?: Buffer | string
}

const CLIENT = [10, 0, 0, 1]
const SERVER = [10, 0, 0, 2]

export function sumOf(parts: readonly Buffer[]): number {
  let sum = 0
  for (const bytes of parts)
    for (let at = 0; at < bytes.length; at += 1) sum += at % 2 === 0 ? bytes[at] << 8 : bytes[at]
  while (sum > 0xffff) sum = Math.floor(sum / 0x1_0000) + (sum & 0xffff)
  return ~sum & 0xffff
}

/** An IPv4 packet. */
export function ipv4(
  protocol: number,
  body: Buffer,
  from: readonly number[] = CLIENT,
  to: readonly number[] = SERVER,
): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + body.length, 2)
  header[8] = 64
  header[9] = protocol
  Buffer.from([...from, ...to]).copy(header, 12)
  header.writeUInt16BE(sumOf([header]), 10)
  return Buffer.concat([header, body])
}

/** An IPv6 packet; the last bytes of the addresses are 1 and 2. */
export function ipv6(next: number, body: Buffer): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(body.length, 4)
  header[6] = next
  header[7] = 64
  header[23] = 1
  header[39] = 2
  return Buffer.concat([header, body])
}

export function udp(fromPort: number, toPort: number, payload: Buffer | string): Buffer {
  const body = Buffer.from(payload as string, 'latin1')
  const header = Buffer.alloc(8)
  header.writeUInt16BE(fromPort, 0)
  header.writeUInt16BE(toPort, 2)
  header.writeUInt16BE(8 + body.length, 4)
  return Buffer.concat([header, body])
}

/** An IPv4 packet with a TCP segment, its sum right. */
export function tcp(segment: Segment): Buffer {
  const { from = CLIENT, to = SERVER, options = Buffer.alloc(0) } = segment
  const payload = Buffer.from((segment.payload ?? '') as string, 'latin1')
  const header = Buffer.alloc(20 + options.length)
  header.writeUInt16BE(segment.fromPort ?? 40_000, 0)
  header.writeUInt16BE(segment.toPort ?? 80, 2)
  header.writeUInt32BE(segment.sequence >>> 0, 4)
  header.writeUInt32BE((segment.acknowledgement ?? 0) >>> 0, 8)
  header[12] = (header.length / 4) << 4
  header[13] = segment.flags
  header.writeUInt16BE(segment.window ?? 65_535, 14)
  header.writeUInt16BE(segment.urgent ?? 0, 18)
  options.copy(header, 20)
  const pseudo = Buffer.from([...from, ...to, 0, 6, 0, 0])
  pseudo.writeUInt16BE(header.length + payload.length, 10)
  header.writeUInt16BE(sumOf([pseudo, header, payload]), 16)
  return ipv4(6, Buffer.concat([header, payload]), from, to)
}

type Speak = (flags: number, payload?: string, more?: Partial<Segment>) => Buffer

export interface Talk {
  readonly client: Speak
  readonly server: Speak
}

/** Both ends of one connection, which count and acknowledge by themselves. */
export function talk(clientIsn = 1000, serverIsn = 5000): Talk {
  const next = { client: clientIsn, server: serverIsn }
  const end =
    (who: 'client' | 'server') =>
    (flags: number, payload = '', more: Partial<Segment> = {}): Buffer => {
      const other = who === 'client' ? 'server' : 'client'
      const bytes = tcp({
        ...(who === 'client' ? {} : { from: SERVER, to: CLIENT, fromPort: 80, toPort: 40_000 }),
        sequence: next[who],
        ...((flags & ACK) === 0 ? {} : { acknowledgement: next[other] }),
        flags,
        payload,
        ...more,
      })
      next[who] += payload.length + ((flags & (SYN | FIN)) === 0 ? 0 : 1)
      return bytes
    }
  return { client: end('client'), server: end('server') }
}
