/** Packets that are being put together, bytes of all of them, and fragments of one. */
export const MAX_OPEN_PACKETS = 4096
export const MAX_FRAGMENT_BYTES = 16_777_216
export const MAX_FRAGMENTS = 256
export const MAX_WHOLE_BYTES = 65_535
/** Milliseconds for which the rest of a packet is waited for. */
export const FRAGMENT_TIMEOUT_MS = 60_000

interface Open {
  readonly pieces: { offset: number; data: Buffer }[]
  readonly since: number
  bytes: number
  /** Length of the whole; -1 until the last fragment came. */
  total: number
}

/**
 * Puts fragments of IP packets together (RFC 791, RFC 8200 section 4.5). The first copy of a byte wins.
 */
export class Defragmenter {
  readonly #open = new Map<string, Open>()
  #bytes = 0

  /**
   * @param key what fragments of one packet share
   * @param offset in bytes
   * @returns the whole payload when this fragment completes it
   */
  push(key: string, offset: number, isLast: boolean, data: Buffer, nowMs: number): Buffer | null {
    let open = this.#open.get(key)
    if (open !== undefined && nowMs - open.since > FRAGMENT_TIMEOUT_MS) {
      this.#forget(key, open)
      open = undefined
    }
    if (open === undefined) {
      open = { pieces: [], since: nowMs, bytes: 0, total: -1 }
      this.#open.set(key, open)
      if (this.#open.size > MAX_OPEN_PACKETS) this.#forgetOldest()
    }
    if (open.pieces.length >= MAX_FRAGMENTS || offset + data.length > MAX_WHOLE_BYTES) return null
    while (this.#bytes + data.length > MAX_FRAGMENT_BYTES && this.#open.size > 1)
      this.#forgetOldest()
    open.pieces.push({ offset, data })
    open.bytes += data.length
    this.#bytes += data.length
    if (isLast) open.total = offset + data.length
    const whole = assemble(open)
    if (whole !== null) this.#forget(key, open)
    return whole
  }

  #forget(key: string, open: Open): void {
    this.#open.delete(key)
    this.#bytes -= open.bytes
  }

  #forgetOldest(): void {
    const oldest = this.#open.entries().next()
    if (oldest.done !== true) this.#forget(oldest.value[0], oldest.value[1])
  }
}

function assemble(open: Open): Buffer | null {
  if (open.total < 0 || open.bytes < open.total) return null
  const covered = new Uint8Array(open.total)
  const whole = Buffer.alloc(open.total)
  let left = open.total
  for (const { offset, data } of open.pieces)
    for (let at = 0; at < data.length && offset + at < open.total; at += 1) {
      if (covered[offset + at] === 1) continue
      covered[offset + at] = 1
      whole[offset + at] = data[at]
      left -= 1
    }
  return left === 0 ? whole : null
}
