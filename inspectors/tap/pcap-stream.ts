import { type CapturedPacket, MAX_PACKET_BYTES } from '../ids/capture/pcap-file.ts'

/**
 * A capture as it comes out of `tcpdump -w -` (draft-ietf-opsawg-pcap), in pieces:
 *
 *     header: magic(32) version(32) zone(32) accuracy(32) snaplen(32) linktype(32)
 *     packet: seconds(32) fraction(32) captured(32) original(32), then its bytes
 *
 * At most one incomplete packet is kept.
 */
const FILE_HEADER_BYTES = 24
const PACKET_HEADER_BYTES = 16
const NO_BYTES = Buffer.alloc(0)

/** Magic as little-endian number -> byte order, and fractions in a millisecond. */
const MAGICS: ReadonlyMap<number, { readonly little: boolean; readonly perMs: number }> = new Map([
  [0xa1b2c3d4, { little: true, perMs: 1000 }],
  [0xa1b23c4d, { little: true, perMs: 1_000_000 }],
  [0xd4c3b2a1, { little: false, perMs: 1000 }],
  [0x4d3cb2a1, { little: false, perMs: 1_000_000 }],
])

export class PcapStream {
  readonly #onPacket: (packet: CapturedPacket) => void
  #held: Buffer = NO_BYTES
  #format: { readonly little: boolean; readonly perMs: number } | null = null
  #linkType = 0

  /** @param onPacket its bytes are valid during the call only */
  constructor(onPacket: (packet: CapturedPacket) => void) {
    this.#onPacket = onPacket
  }

  /** @returns why this is no capture; null while it is one. After that nothing more is read. */
  push(chunk: Buffer): string | null {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    let at = 0
    if (this.#format === null) {
      if (bytes.length < FILE_HEADER_BYTES) {
        this.#held = bytes
        return null
      }
      const format = MAGICS.get(bytes.readUInt32LE(0))
      if (format === undefined) return 'it does not begin with a capture header'
      this.#format = format
      this.#linkType = read(bytes, 20, format.little) & 0x0fff_ffff
      at = FILE_HEADER_BYTES
    }
    const { little, perMs } = this.#format
    while (bytes.length - at >= PACKET_HEADER_BYTES) {
      const length = read(bytes, at + 8, little)
      if (length > MAX_PACKET_BYTES) return `a packet has ${length} bytes`
      const end = at + PACKET_HEADER_BYTES + length
      if (bytes.length < end) break
      this.#onPacket({
        timeMs: read(bytes, at, little) * 1000 + read(bytes, at + 4, little) / perMs,
        linkType: this.#linkType,
        bytes: bytes.subarray(at + PACKET_HEADER_BYTES, end),
      })
      at = end
    }
    this.#held = at === bytes.length ? NO_BYTES : Buffer.from(bytes.subarray(at))
    return null
  }
}

function read(bytes: Buffer, at: number, little: boolean): number {
  return little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
}
