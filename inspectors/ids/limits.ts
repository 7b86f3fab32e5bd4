/** Bounds of the engine. All memory that traffic can grow is bounded by one of them. */

/** Steps one rule may take on one buffer before its search is given up. */
export const RECURSION_LIMIT = 3000
/** Bytes of a body that are inspected where the settings say nothing. */
export const DEFAULT_BODY_DEPTH = 102_400
/** Bytes of one direction of a raw stream that are inspected where the settings say nothing. */
export const DEFAULT_STREAM_DEPTH = 1_048_576
/** Bytes before the newest chunk that stay in the window of a raw stream. */
export const STREAM_HISTORY = 16_384
/** Rules of one body or stream direction that wait for more data after their fast pattern was seen. */
export const MAX_WAITING_RULES = 512
/** Alerts that one packet or event may show where the settings say nothing. */
export const DEFAULT_PACKET_ALERTS = 15
/** Most alerts that settings may allow, and rules of one packet or event that are kept before they are put in order. */
export const MAX_FINDINGS = 4096
/** Matches that one alert carries. */
export const MAX_ALERT_MATCHES = 8
/** Flow variables and bits of one connection. */
export const MAX_FLOW_BITS = 256
/** Xbits of all hosts together, and thresholds of all rules and hosts. */
export const MAX_HOST_BITS = 65_536
export const MAX_THRESHOLD_ENTRIES = 65_536
/** Sets of ports that detection filters keep, 8 KiB each. */
export const MAX_PORT_BITMAPS = 1024
/** HTTP exchanges of one connection that are inspected at a time. */
export const MAX_OPEN_EXCHANGES = 128
/** Output of a decompressed body is bounded by the body depth; layers of coding by this. */
export const MAX_CODING_LAYERS = 3
/** Bytes of TLS handshake messages that are put together for one direction. */
export const MAX_HANDSHAKE_BYTES = 131_072
