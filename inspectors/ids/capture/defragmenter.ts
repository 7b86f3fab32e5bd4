import { fragmentPreference, type OsPolicy } from './os-policy.ts'
import { Pieces } from './pieces.ts'

/** Packets that are being put together, bytes of all of them, and stretches of one. */
export const MAX_OPEN_PACKETS = 65_535
export const MAX_FRAGMENT_BYTES = 33_554_432
export const MAX_FRAGMENTS = 8192
export const MAX_WHOLE_BYTES = 65_535
/** Milliseconds for which the rest of a packet is waited for. */
export const FRAGMENT_TIMEOUT_MS = 60_000
/** What one fragment costs beside its bytes. */
const FRAGMENT_COST = 128

interface Open {
  readonly pieces: Pieces
  readonly since: number
  cost: number
  /** Length of the whole; -1 until the last fragment came. */
  total: number
}

export type FragmentEvent = 'frag_pkt_too_large' | 'frag_overlap' | 'frag_ignored'

export interface Defragmented {
  /** The whole payload, when this fragment completes it. */
  readonly whole: Buffer | null
  readonly event: FragmentEvent | null
}

const NOTHING: Defragmented = { whole: null, event: null }

/** Puts fragments of IP packets together (RFC 791, RFC 8200 section 4.5) as the receiver would. */
export class Defragmenter {
  readonly #open = new Map<string, Open>()
  #cost = 0

  /**
   * @param key what fragments of one packet share
   * @param offset in bytes
   */
  push(
    key: string,
    offset: number,
    isLast: boolean,
    data: Buffer,
    nowMs: number,
    policy: OsPolicy = 'bsd',
  ): Defragmented {
    let open = this.#open.get(key)
    if (open !== undefined && nowMs - open.since > FRAGMENT_TIMEOUT_MS) {
      this.#forget(key, open)
      open = undefined
    }
    if (offset + data.length > MAX_WHOLE_BYTES) return { whole: null, event: 'frag_pkt_too_large' }
    if (open === undefined) {
      if (this.#open.size >= MAX_OPEN_PACKETS) this.#forgetOldest()
      open = { pieces: new Pieces(), since: nowMs, cost: 0, total: -1 }
      this.#open.set(key, open)
    }
    const cost = data.length + FRAGMENT_COST
    while (this.#cost + cost > MAX_FRAGMENT_BYTES && this.#open.size > 1) this.#forgetOldest()
    if (open.pieces.count >= MAX_FRAGMENTS) return { whole: null, event: 'frag_ignored' }
    const { overlaps } = open.pieces.add(offset, data, fragmentPreference(policy))
    open.cost += cost
    this.#cost += cost
    if (isLast && open.total < 0) open.total = offset + data.length
    const event = overlaps ? 'frag_overlap' : null
    if (open.total < 0 || open.pieces.bytes < open.total) {
      return event === null ? NOTHING : { whole: null, event }
    }
    const whole = assemble(open)
    if (whole !== null) this.#forget(key, open)
    return { whole, event }
  }

  #forget(key: string, open: Open): void {
    this.#open.delete(key)
    this.#cost -= open.cost
  }

  #forgetOldest(): void {
    const oldest = this.#open.entries().next()
    if (oldest.done !== true) this.#forget(oldest.value[0], oldest.value[1])
  }
}

/** Pieces do not overlap: they fill the packet when they touch one another from its beginning. */
function assemble({ pieces, total }: Open): Buffer | null {
  let at = 0
  for (const { start, data } of pieces) {
    if (start !== at) return null
    at += data.length
    if (at >= total) break
  }
  if (at < total) return null
  const whole = Buffer.alloc(total)
  pieces.readInto(0, whole)
  return whole
}
