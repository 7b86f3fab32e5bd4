import { MAX_TRAIN, OFFLOAD_HEADER_BYTES } from './limits.ts'

/**
 * Several datagrams of one flow in one frame, as a guest with segmentation offload sends them:
 *
 *     virtio_net_hdr: flags(8) gso_type(8) hdr_len(16) gso_size(16) csum_start(16) csum_offset(16)
 *     Ethernet, IP, UDP, then datagrams of gso_size bytes, the last one of the rest
 *
 * The card would have cut it. It is forwarded as it came and inspected as what it will be.
 *
 * @see include/uapi/linux/virtio_net.h
 */
const GSO_NONE = 0
const GSO_UDP_L4 = 5
const CHECKSUM_OPEN = 1
const UDP_HEADER_BYTES = 8
const ETHERNET_BYTES = 14

/**
 * @param bytes offload header and frame
 * @returns frames to inspect, without offload header; null when the header says what cannot be
 */
export function datagramFrames(bytes: Buffer): readonly Buffer[] | null {
  if (bytes.length < OFFLOAD_HEADER_BYTES + ETHERNET_BYTES) return null
  const frame = bytes.subarray(OFFLOAD_HEADER_BYTES)
  const kind = bytes[1]
  if (kind === GSO_NONE) return [frame]
  if (kind !== GSO_UDP_L4 || (bytes[0] & CHECKSUM_OPEN) === 0) return null
  const size = bytes.readUInt16LE(4)
  const udpAt = bytes.readUInt16LE(6)
  const payloadAt = udpAt + UDP_HEADER_BYTES
  if (size === 0 || udpAt < ETHERNET_BYTES + 20 || payloadAt >= frame.length) return null
  const count = Math.ceil((frame.length - payloadAt) / size)
  if (count > MAX_TRAIN) return null
  return Array.from({ length: count }, (_, index) => {
    const from = payloadAt + index * size
    const payload = frame.subarray(from, Math.min(from + size, frame.length))
    const one = Buffer.concat([frame.subarray(0, payloadAt), payload])
    one.writeUInt16BE(UDP_HEADER_BYTES + payload.length, udpAt + 4)
    const isIpv4 = one.readUInt16BE(12) === 0x0800
    const ipBytes = one.length - ETHERNET_BYTES
    if (isIpv4) one.writeUInt16BE(ipBytes, ETHERNET_BYTES + 2)
    else one.writeUInt16BE(ipBytes - 40, ETHERNET_BYTES + 4)
    return one
  })
}
