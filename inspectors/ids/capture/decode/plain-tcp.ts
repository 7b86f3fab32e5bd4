import { Packet, PLAIN_IP_BYTES, PLAIN_LINK_BYTES, TCP } from '../packet.ts'
import type { DecoderCounts } from './counters.ts'
import { tcpFields } from './transport.ts'

const IP = PLAIN_LINK_BYTES
const HEADER = IP + PLAIN_IP_BYTES
const MIN_BYTES = HEADER + 20

/** Faults of options; scratch, empty between calls. */
const faults: string[] = []

/**
 * The packet of an Ethernet frame that is nothing but a sound TCP segment over IPv4: no tags, no IP options, no fragment.
 *
 * @returns null when the frame is another one; the layers are then read one by one, with the same result where both could
 */
export function readPlainTcp(frame: Buffer, counts: DecoderCounts): Packet | null {
  if (frame.length < MIN_BYTES) return null
  // EtherType, version and header length, more-fragments and offset, protocol.
  if (frame[12] !== 0x08 || frame[13] !== 0x00 || frame[IP] !== 0x45) return null
  if ((frame[IP + 6] & 0x3f) !== 0 || frame[IP + 7] !== 0 || frame[IP + 9] !== TCP) return null
  const end = IP + ((frame[IP + 2] << 8) | frame[IP + 3])
  const headerBytes = (frame[HEADER + 12] >> 4) * 4
  if (end > frame.length || headerBytes < 20 || HEADER + headerBytes > end) return null
  const tcp = tcpFields(frame, HEADER, HEADER + headerBytes, faults)
  if (faults.length > 0) {
    faults.length = 0
    return null
  }
  counts.ethernet += 1
  counts.ipv4 += 1
  counts.tcp += 1
  return Packet.plain(frame, tcp, headerBytes, end)
}
