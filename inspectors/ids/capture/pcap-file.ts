/**
 * Capture files: pcap (draft-ietf-opsawg-pcap; microseconds and nanoseconds, either byte order) and pcapng
 * (draft-ietf-opsawg-pcapng; section, interface, enhanced and simple packet blocks).
 */
import { ByteWindow, type ReadInto } from './byte-window.ts'

/** Largest packet; a larger one ends the reading of the file. */
export const MAX_PACKET_BYTES = 262_144
/** Largest pcapng block that is looked into, its options among it. */
const MAX_BLOCK_BYTES = 1_048_576
const MAX_INTERFACES = 1024
const PCAP_HEADER_BYTES = 24
const RECORD_HEADER_BYTES = 16
const BLOCK_BYTES = 12
const SECTION = 0x0a0d_0d0a
const INTERFACE = 1
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6

export interface CapturedPacket {
  /** Milliseconds since the epoch. */
  readonly timeMs: number
  /** LINKTYPE of the tcpdump registry. */
  readonly linkType: number
  readonly bytes: Buffer
}

interface Interface {
  readonly linkType: number
  /** Timestamp units in a millisecond. */
  readonly perMs: number
}

/** Magic as little-endian number -> byte order, and fractions in a millisecond. */
const MAGICS: ReadonlyMap<number, { readonly little: boolean; readonly perMs: number }> = new Map([
  [0xa1b2c3d4, { little: true, perMs: 1000 }],
  [0xa1b23c4d, { little: true, perMs: 1_000_000 }],
  [0xd4c3b2a1, { little: false, perMs: 1000 }],
  [0x4d3cb2a1, { little: false, perMs: 1_000_000 }],
])

/**
 * Reads a capture packet by packet. What a packet's bytes stand in is not written again, so they stay as they are as
 * long as somebody holds them.
 */
export class CaptureReader {
  readonly #window: ByteWindow
  #interfaces: Interface[] = []
  #little = true
  #isPcapng = false
  #isOver = false
  /** What follows a damaged packet was left out. */
  truncated = false

  constructor(read: ReadInto) {
    this.#window = new ByteWindow(read)
  }

  /** Before the first packet. @returns why this is no capture; null: it is one */
  open(): string | null {
    const window = this.#window
    if (!window.has(PCAP_HEADER_BYTES)) return 'the file is shorter than a capture header'
    const magic = window.bytes.readUInt32LE(window.at)
    this.#isPcapng = magic === SECTION
    if (this.#isPcapng) return null
    const format = MAGICS.get(magic)
    if (format === undefined) return 'the file is neither pcap nor pcapng'
    this.#little = format.little
    this.#interfaces.push({ linkType: this.#u32(20) & 0x0fff_ffff, perMs: format.perMs })
    window.skip(PCAP_HEADER_BYTES)
    return null
  }

  /** @returns null at the end */
  next(): CapturedPacket | null {
    if (this.#isOver) return null
    const packet = this.#isPcapng ? this.#nextOfBlocks() : this.#nextRecord()
    if (packet === null) {
      this.#isOver = true
      this.truncated ||= this.#window.has(1)
    }
    return packet
  }

  #nextRecord(): CapturedPacket | null {
    const window = this.#window
    if (!window.has(RECORD_HEADER_BYTES)) return null
    const length = this.#u32(8)
    if (length > MAX_PACKET_BYTES || !window.has(RECORD_HEADER_BYTES + length)) return null
    const { linkType, perMs } = this.#interfaces[0]
    const timeMs = this.#u32(0) * 1000 + Math.floor((this.#u32(4) / perMs) * 1000) / 1000
    const bytes = this.#cut(RECORD_HEADER_BYTES, length)
    window.skip(RECORD_HEADER_BYTES + length)
    return { timeMs, linkType, bytes }
  }

  #nextOfBlocks(): CapturedPacket | null {
    const window = this.#window
    while (window.has(BLOCK_BYTES)) {
      const isSection = window.bytes.readUInt32LE(window.at) === SECTION
      if (isSection) {
        this.#little = window.bytes.readUInt32LE(window.at + 8) === 0x1a2b_3c4d
        this.#interfaces = []
      }
      const type = this.#u32(0)
      const length = this.#u32(4)
      if (length < BLOCK_BYTES || length % 4 !== 0) return null
      if (type !== INTERFACE && type !== SIMPLE_PACKET && type !== ENHANCED_PACKET) {
        if (window.skip(length)) continue
        this.truncated = true
        return null
      }
      if (length > MAX_BLOCK_BYTES || !window.has(length)) return null
      if (type === INTERFACE) this.#interface(length)
      else {
        const packet = type === ENHANCED_PACKET ? this.#enhanced(length) : this.#simple(length)
        if (packet === undefined) return null
        window.skip(length)
        if (packet !== null) return packet
        continue
      }
      window.skip(length)
    }
    return null
  }

  #interface(length: number): void {
    if (length < 20 || this.#interfaces.length >= MAX_INTERFACES) return
    this.#interfaces.push({ linkType: this.#u16(8), perMs: this.#resolution(16, length - 4) })
  }

  /** @returns undefined for a damaged block, null for one without a packet */
  #enhanced(length: number): CapturedPacket | null | undefined {
    if (length < 32) return null
    const device = this.#interfaces[this.#u32(8)] as Interface | undefined
    const captured = this.#u32(20)
    if (device === undefined || captured > length - 32 || captured > MAX_PACKET_BYTES)
      return undefined
    const ticks = this.#u32(12) * 0x1_0000_0000 + this.#u32(16)
    const { linkType, perMs } = device
    return { timeMs: ticks / perMs, linkType, bytes: this.#cut(28, captured) }
  }

  #simple(length: number): CapturedPacket | null {
    const device = this.#interfaces[0] as Interface | undefined
    if (device === undefined || length < 16) return null
    const captured = Math.min(this.#u32(8), length - 16)
    return { timeMs: 0, linkType: device.linkType, bytes: this.#cut(12, captured) }
  }

  /** Option 9, if_tsresol: a power of 10, or of 2 with the high bit set. Default: microseconds. */
  #resolution(from: number, to: number): number {
    for (let at = from; at + 4 <= to;) {
      const code = this.#u16(at)
      const length = this.#u16(at + 2)
      if (code === 0) break
      if (code === 9 && length >= 1 && at + 4 < to) {
        const value = this.#window.bytes[this.#window.at + at + 4]
        return (value & 0x80) !== 0 ? 2 ** (value & 0x7f) / 1000 : 10 ** value / 1000
      }
      at += 4 + length + ((4 - (length % 4)) % 4)
    }
    return 1000
  }

  #cut(from: number, length: number): Buffer {
    const { bytes, at } = this.#window
    return bytes.subarray(at + from, at + from + length)
  }

  #u16(offset: number): number {
    const { bytes, at } = this.#window
    return this.#little ? bytes.readUInt16LE(at + offset) : bytes.readUInt16BE(at + offset)
  }

  #u32(offset: number): number {
    const { bytes, at } = this.#window
    return this.#little ? bytes.readUInt32LE(at + offset) : bytes.readUInt32BE(at + offset)
  }
}
