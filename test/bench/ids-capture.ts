import { closeSync, openSync, writeSync } from 'node:fs'
import { Traffic } from './ids-traffic.ts'
import { Random } from './random.ts'

export interface CaptureFigures {
  readonly transactions: number
  readonly connections: number
  readonly packets: number
  readonly bytes: number
}

const SEED = 20_240_710
/** Connections that are open at a time; packets of theirs alternate. */
const OPEN_CONNECTIONS = 256
/** Most exchanges of one connection; the mean is half of it. */
const MAX_EXCHANGES = 9
const SEGMENT_BYTES = 1448
const BLOCK_BYTES = 4_194_304
const FIRST_SECOND = 1_720_612_800
const MICROSECONDS_BETWEEN_PACKETS = 40
const HEADER_BYTES = 14 + 20 + 20
const RECORD_BYTES = 16
const SYN = 0x02
const ACK = 0x10
const PSH_ACK = 0x18
const FIN_ACK = 0x11
const SYN_ACK = 0x12

/** Writes an Ethernet capture of HTTP connections that alternate, with valid sums and acknowledgements. */
export function writeHttpCapture(file: string, transactions: number): CaptureFigures {
  const traffic = new Traffic(SEED)
  const random = new Random(SEED + 1)
  const writer = new CaptureWriter(file)
  const open: TalkingPair[] = []
  let left = transactions
  let connections = 0
  try {
    while (left > 0 || open.length > 0) {
      while (left > 0 && open.length < OPEN_CONNECTIONS) {
        const exchanges = Math.min(left, 1 + random.below(MAX_EXCHANGES))
        open.push(new TalkingPair(connections, exchanges, traffic, random))
        connections += 1
        left -= exchanges
      }
      const index = random.below(open.length)
      if (!open[index].sendNext(writer)) open.splice(index, 1)
    }
    writer.flush()
  } finally {
    writer.close()
  }
  return { transactions, connections, packets: writer.packets, bytes: writer.bytes }
}

interface Segment {
  readonly isFromClient: boolean
  readonly flags: number
  readonly payload: Buffer
}

const NOTHING = Buffer.alloc(0)

/** One connection: handshake, exchanges one after the other, and its end. */
class TalkingPair {
  readonly #traffic: Traffic
  readonly #visit: ReturnType<Traffic['visit']>
  readonly #client: number
  readonly #server: number
  readonly #clientPort: number
  #clientNext: number
  #serverNext: number
  #exchanges: number
  #queue: Segment[] = [
    { isFromClient: true, flags: SYN, payload: NOTHING },
    { isFromClient: false, flags: SYN_ACK, payload: NOTHING },
    { isFromClient: true, flags: ACK, payload: NOTHING },
  ]
  #at = 0
  #isClosing = false

  constructor(index: number, exchanges: number, traffic: Traffic, random: Random) {
    this.#traffic = traffic
    this.#visit = traffic.visit()
    this.#exchanges = exchanges
    // 10.0.0.0/8 asks 198.51.0.0/16; a pair of address and port occurs once.
    this.#client = 0x0a00_0000 + (index % 65_521)
    this.#clientPort = 10_000 + (index % 50_000)
    this.#server = 0xc633_0000 + random.below(4096)
    this.#clientNext = random.below(0x7fff_ffff)
    this.#serverNext = random.below(0x7fff_ffff)
  }

  /** False when the connection has ended. */
  sendNext(writer: CaptureWriter): boolean {
    if (this.#at === this.#queue.length && !this.#refill()) return false
    const { isFromClient, flags, payload } = this.#queue[this.#at]
    this.#at += 1
    const takes = payload.length + ((flags & (SYN | 1)) === 0 ? 0 : 1)
    if (isFromClient) {
      const acknowledged = flags === SYN ? 0 : this.#serverNext
      writer.tcp(this.#client, this.#clientPort, this.#server, 80, this.#clientNext, acknowledged, flags, payload) // prettier-ignore
      this.#clientNext += takes
    } else {
      writer.tcp(this.#server, 80, this.#client, this.#clientPort, this.#serverNext, this.#clientNext, flags, payload) // prettier-ignore
      this.#serverNext += takes
    }
    return true
  }

  #refill(): boolean {
    this.#at = 0
    this.#queue = []
    if (this.#isClosing) return false
    if (this.#exchanges === 0) {
      this.#isClosing = true
      this.#queue.push(
        { isFromClient: true, flags: FIN_ACK, payload: NOTHING },
        { isFromClient: false, flags: FIN_ACK, payload: NOTHING },
        { isFromClient: true, flags: ACK, payload: NOTHING },
      )
      return true
    }
    this.#exchanges -= 1
    const { request, response } = this.#traffic.exchange(this.#visit)
    this.#segments(true, request)
    this.#segments(false, response)
    return true
  }

  /** Every second segment is acknowledged at once, and the last of a response. */
  #segments(isFromClient: boolean, message: Buffer): void {
    for (let at = 0, count = 1; at < message.length; at += SEGMENT_BYTES, count += 1) {
      const end = Math.min(message.length, at + SEGMENT_BYTES)
      const isLast = end === message.length
      this.#queue.push({
        isFromClient,
        flags: isLast ? PSH_ACK : ACK,
        payload: message.subarray(at, end),
      })
      const isAcknowledged = isLast ? !isFromClient : count % 2 === 0
      if (isAcknowledged)
        this.#queue.push({ isFromClient: !isFromClient, flags: ACK, payload: NOTHING })
    }
  }
}

class CaptureWriter {
  readonly #descriptor: number
  readonly #block = Buffer.alloc(BLOCK_BYTES)
  #filled = 24
  packets = 0
  bytes = 0

  constructor(file: string) {
    this.#descriptor = openSync(file, 'w')
    const block = this.#block
    block.writeUInt32LE(0xa1b2_c3d4, 0)
    block.writeUInt16LE(2, 4)
    block.writeUInt16LE(4, 6)
    block.writeUInt32LE(262_144, 16)
    block.writeUInt32LE(1, 20)
  }

  tcp(
    source: number,
    sourcePort: number,
    destination: number,
    destinationPort: number,
    sequence: number,
    acknowledged: number,
    flags: number,
    payload: Buffer,
  ): void {
    const frame = HEADER_BYTES + payload.length
    if (this.#filled + RECORD_BYTES + frame > BLOCK_BYTES) this.flush()
    const block = this.#block
    const time = this.packets * MICROSECONDS_BETWEEN_PACKETS
    let at = this.#filled
    block.writeUInt32LE(FIRST_SECOND + Math.floor(time / 1e6), at)
    block.writeUInt32LE(time % 1e6, at + 4)
    block.writeUInt32LE(frame, at + 8)
    block.writeUInt32LE(frame, at + 12)
    at += RECORD_BYTES
    block.writeUIntBE(0x0200_0000_0001, at, 6)
    block.writeUIntBE(0x0200_0000_0002, at + 6, 6)
    block.writeUInt16BE(0x0800, at + 12)
    at += 14
    block.writeUInt16BE(0x4500, at)
    block.writeUInt16BE(40 + payload.length, at + 2)
    block.writeUInt16BE(this.packets & 0xffff, at + 4)
    block.writeUInt16BE(0x4000, at + 6)
    block.writeUInt16BE(0x4006, at + 8)
    block.writeUInt16BE(0, at + 10)
    block.writeUInt32BE(source, at + 12)
    block.writeUInt32BE(destination, at + 16)
    block.writeUInt16BE(sumOf(block, at, 20, 0), at + 10)
    const tcp = at + 20
    block.writeUInt16BE(sourcePort, tcp)
    block.writeUInt16BE(destinationPort, tcp + 2)
    block.writeUInt32BE(sequence >>> 0, tcp + 4)
    block.writeUInt32BE(acknowledged >>> 0, tcp + 8)
    block.writeUInt16BE(0x5000 | flags, tcp + 12)
    block.writeUInt16BE(64_240, tcp + 14)
    block.writeUInt32BE(0, tcp + 16)
    payload.copy(block, tcp + 20)
    const length = 20 + payload.length
    const pseudo =
      (source >>> 16) +
      (source & 0xffff) +
      (destination >>> 16) +
      (destination & 0xffff) +
      6 +
      length
    block.writeUInt16BE(sumOf(block, tcp, length, pseudo), tcp + 16)
    this.#filled += RECORD_BYTES + frame
    this.packets += 1
    this.bytes += frame
  }

  flush(): void {
    writeSync(this.#descriptor, this.#block, 0, this.#filled)
    this.#filled = 0
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** Internet checksum (RFC 1071). */
function sumOf(bytes: Buffer, from: number, length: number, start: number): number {
  let sum = start
  const end = from + length - 1
  for (let at = from; at < end; at += 2) sum += (bytes[at] << 8) | bytes[at + 1]
  if ((length & 1) === 1) sum += bytes[from + length - 1] << 8
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000)
  return ~sum & 0xffff
}
