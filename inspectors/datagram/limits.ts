/** Header that the kernel puts in front of each frame (`struct virtio_net_hdr`). */
export const OFFLOAD_HEADER_BYTES = 10
/** That header, a link header with a tag, and the largest IP packet. */
export const MAX_FRAME_BYTES = OFFLOAD_HEADER_BYTES + 18 + 65_575
/** Most datagrams that a frame of a train (segmentation offload) may carry. */
export const MAX_TRAIN = 128

/** Flows that are followed at a time; the one that was quiet for longest is forgotten for a new one. */
export const MAX_DATAGRAM_FLOWS = 8_192
/** Silence after which a flow is another one: while nobody has answered, and afterwards (RFC 4787). */
export const UNANSWERED_IDLE_MS = 30_000
export const ANSWERED_IDLE_MS = 180_000
export const SWEEP_MS = 5_000

/** Packets whose fragments are held until they are whole, and their bytes; the oldest gives way. */
export const MAX_HELD_PACKETS = 256
export const MAX_HELD_BYTES = 4_194_304
/** Time for the other fragments to come. The switch lets them through together. */
export const FRAGMENT_WAIT_MS = 5_000
