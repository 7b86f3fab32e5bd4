import { SocketAddress } from 'node:net'
import { OFFLOAD_HEADER_BYTES } from '#inspectors/datagram/limits.ts'

/** Frames as the packet socket hands them over: offload header, Ethernet, IP, UDP. */

export interface Endpoint {
  readonly address: string
  readonly port: number
}

const NO_OFFLOAD = Buffer.alloc(OFFLOAD_HEADER_BYTES)
const UDP = 17

export function udpFrame(from: Endpoint, to: Endpoint, payload: string | Buffer): Buffer {
  return framed(from, to, datagram(from, to, Buffer.from(payload as string, 'latin1')))
}

/** The frames of a datagram that was cut to this many bytes (a multiple of 8) each. */
export function fragments(
  from: Endpoint,
  to: Endpoint,
  payload: string,
  size: number,
  id = 7,
): Buffer[] {
  const whole = datagram(from, to, Buffer.from(payload))
  const frames: Buffer[] = []
  for (let at = 0; at < whole.length; at += size) {
    const isLast = at + size >= whole.length
    frames.push(framed(from, to, whole.subarray(at, at + size), { id, at, isLast }))
  }
  return frames
}

function datagram(from: Endpoint, to: Endpoint, payload: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16BE(from.port, 0)
  header.writeUInt16BE(to.port, 2)
  header.writeUInt16BE(8 + payload.length, 4)
  return Buffer.concat([header, payload])
}

interface Fragment {
  readonly id: number
  readonly at: number
  readonly isLast: boolean
}

export function framed(
  from: Endpoint,
  to: Endpoint,
  body: Buffer,
  fragment: Fragment | null = null,
  protocol = UDP,
): Buffer {
  const isSix = from.address.includes(':')
  const link = Buffer.from('0200000000010200000000020800', 'hex')
  if (isSix) link.writeUInt16BE(0x86dd, 12)
  const ip = isSix
    ? header6(from.address, to.address, body.length, protocol)
    : header4(from.address, to.address, body.length, protocol, fragment)
  return Buffer.concat([NO_OFFLOAD, link, ip, body])
}

function header4(
  from: string,
  to: string,
  bytes: number,
  protocol: number,
  fragment: Fragment | null,
): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + bytes, 2)
  if (fragment !== null) {
    header.writeUInt16BE(fragment.id, 4)
    header.writeUInt16BE((fragment.isLast ? 0 : 0x2000) | (fragment.at >> 3), 6)
  }
  header[8] = 64
  header[9] = protocol
  Buffer.from(from.split('.').map(Number)).copy(header, 12)
  Buffer.from(to.split('.').map(Number)).copy(header, 16)
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  header.writeUInt16BE(~sum & 0xffff, 10)
  return header
}

function header6(from: string, to: string, bytes: number, protocol: number): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(bytes, 4)
  header[6] = protocol
  header[7] = 64
  bytes6(from).copy(header, 8)
  bytes6(to).copy(header, 24)
  return header
}

function bytes6(text: string): Buffer {
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  const [head, tail = ''] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  const groups = [...left, ...zeros, ...right].map((group) => group.padStart(4, '0'))
  return Buffer.from(groups.join(''), 'hex')
}
