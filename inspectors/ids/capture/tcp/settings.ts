import type { OsPolicy } from '../os-policy.ts'
import type { StreamLimits } from './half-stream.ts'

/** What becomes of urgent data: read apart (as hosts do), left in the stream, a hole in it, or the packet is dropped. */
export type UrgentPolicy = 'oob' | 'inline' | 'gap' | 'drop'

/** How TCP is followed; names are those of Suricata's `stream` settings. */
export interface TcpSettings extends StreamLimits {
  /** A connection whose handshake was not seen is followed from its first packet. */
  readonly midstream: boolean
  /** Only one side of connections is to be seen: nothing waits for an acknowledgement. */
  readonly asyncOneside: boolean
  /** What is judged can still be stopped: bytes are let go at once, and the first copy of each wins. */
  readonly inline: boolean
  readonly urgent: UrgentPolicy
  /** SYN/ACKs with other numbers that one connection may collect. */
  readonly maxSynAcks: number
  /** Time of the newest packet, milliseconds since the epoch. */
  readonly nowMs: () => number
  /** Policy of the host that receives. @param address four or sixteen bytes, latin1 */
  readonly policyOf: (address: string) => OsPolicy
}
