/**
 * Capture files: pcap (draft-ietf-opsawg-pcap; microseconds and nanoseconds, either byte order) and pcapng
 * (draft-ietf-opsawg-pcapng; section, interface, enhanced and simple packet blocks).
 */

/** Largest packet; a larger one ends the reading of the file. */
export const MAX_PACKET_BYTES = 262_144
const MAX_INTERFACES = 1024

export interface CapturedPacket {
  /** Milliseconds since the epoch. */
  readonly timeMs: number
  /** LINKTYPE of the tcpdump registry. */
  readonly linkType: number
  readonly bytes: Buffer
}

export type CaptureResult =
  | { readonly ok: true; readonly packets: readonly CapturedPacket[]; readonly truncated: boolean }
  | { readonly ok: false; readonly message: string }

/** Reads a whole file. What follows a damaged packet is left out (`truncated`). */
export function readCapture(file: Buffer): CaptureResult {
  if (file.length < 24) return { ok: false, message: 'the file is shorter than a capture header' }
  const magic = file.readUInt32LE(0)
  switch (magic) {
    case 0xa1b2c3d4:
      return readPcap(file, true, 1000)
    case 0xa1b23c4d:
      return readPcap(file, true, 1_000_000)
    case 0xd4c3b2a1:
      return readPcap(file, false, 1000)
    case 0x4d3cb2a1:
      return readPcap(file, false, 1_000_000)
    case 0x0a0d0d0a:
      return readPcapng(file)
    default:
      return { ok: false, message: 'the file is neither pcap nor pcapng' }
  }
}

interface NumberReader {
  readonly u16: (at: number) => number
  readonly u32: (at: number) => number
}

function reader(file: Buffer, little: boolean): NumberReader {
  return {
    u16: (at) => (little ? file.readUInt16LE(at) : file.readUInt16BE(at)),
    u32: (at) => (little ? file.readUInt32LE(at) : file.readUInt32BE(at)),
  }
}

function readPcap(file: Buffer, little: boolean, perMs: number): CaptureResult {
  const { u32 } = reader(file, little)
  const linkType = u32(20) & 0x0fff_ffff
  const packets: CapturedPacket[] = []
  let at = 24
  while (at + 16 <= file.length) {
    const length = u32(at + 8)
    if (length > MAX_PACKET_BYTES || at + 16 + length > file.length) break
    packets.push({
      timeMs: u32(at) * 1000 + Math.floor((u32(at + 4) / perMs) * 1000) / 1000,
      linkType,
      bytes: file.subarray(at + 16, at + 16 + length),
    })
    at += 16 + length
  }
  return { ok: true, packets, truncated: at !== file.length }
}

interface Interface {
  readonly linkType: number
  /** Timestamp units in a millisecond. */
  readonly perMs: number
}

function readPcapng(file: Buffer): CaptureResult {
  const packets: CapturedPacket[] = []
  let interfaces: Interface[] = []
  let little = true
  let at = 0
  while (at + 12 <= file.length) {
    if (file.readUInt32LE(at) === 0x0a0d0d0a) {
      little = file.readUInt32LE(at + 8) === 0x1a2b3c4d
      interfaces = []
    }
    const { u16, u32 } = reader(file, little)
    const type = u32(at)
    const length = u32(at + 4)
    if (length < 12 || length % 4 !== 0 || at + length > file.length) break
    const body = at + 8
    if (type === 1 && length >= 20 && interfaces.length < MAX_INTERFACES)
      interfaces.push({
        linkType: u16(body),
        perMs: resolution(file, body + 8, at + length - 4, u16),
      })
    else if (type === 6 && length >= 32) {
      const device = interfaces[u32(body)]
      const captured = u32(body + 12)
      if (device === undefined || captured > length - 32 || captured > MAX_PACKET_BYTES) break
      const ticks = u32(body + 4) * 0x1_0000_0000 + u32(body + 8)
      packets.push({
        timeMs: ticks / device.perMs,
        linkType: device.linkType,
        bytes: file.subarray(body + 20, body + 20 + captured),
      })
    } else if (type === 3 && interfaces[0] !== undefined) {
      const captured = Math.min(u32(body), length - 16)
      packets.push({
        timeMs: 0,
        linkType: interfaces[0].linkType,
        bytes: file.subarray(body + 4, body + 4 + captured),
      })
    }
    at += length
  }
  return { ok: true, packets, truncated: at !== file.length }
}

/** Option 9, if_tsresol: a power of 10, or of 2 with the high bit set. Default: microseconds. */
function resolution(file: Buffer, from: number, to: number, u16: (at: number) => number): number {
  for (let at = from; at + 4 <= to;) {
    const code = u16(at)
    const length = u16(at + 2)
    if (code === 0) break
    if (code === 9 && length >= 1 && at + 4 < to) {
      const value = file[at + 4]
      return (value & 0x80) !== 0 ? 2 ** (value & 0x7f) / 1000 : 10 ** value / 1000
    }
    at += 4 + length + ((4 - (length % 4)) % 4)
  }
  return 1000
}
