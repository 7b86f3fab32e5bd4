import { FRAGMENT_WAIT_MS, MAX_HELD_BYTES, MAX_HELD_PACKETS } from './limits.ts'

interface Held {
  readonly frames: Buffer[]
  readonly since: number
  bytes: number
}

/** Frames of packets that are not whole yet: they leave together, when the packet was judged, or never. */
export class HeldFragments {
  readonly #held = new Map<string, Held>()
  readonly #lost: (frames: number) => void
  #bytes = 0

  /** @param lost told of frames that are given up */
  constructor(lost: (frames: number) => void) {
    this.#lost = lost
  }

  /** @param frame is copied */
  hold(key: string, frame: Buffer, nowMs: number): void {
    let held = this.#held.get(key)
    if (held === undefined) {
      held = { frames: [], since: nowMs, bytes: 0 }
      this.#held.set(key, held)
    }
    held.frames.push(Buffer.from(frame))
    held.bytes += frame.length
    this.#bytes += frame.length
    while (this.#held.size > MAX_HELD_PACKETS || this.#bytes > MAX_HELD_BYTES) this.#forgetOldest()
  }

  /** @returns the frames of a packet in the order in which they came */
  take(key: string): readonly Buffer[] {
    const held = this.#held.get(key)
    if (held === undefined) return []
    this.#held.delete(key)
    this.#bytes -= held.bytes
    return held.frames
  }

  /** Gives up packets that were not whole in time. */
  sweep(nowMs: number): void {
    for (const { since } of this.#held.values()) {
      if (nowMs - since <= FRAGMENT_WAIT_MS) return
      this.#forgetOldest()
    }
  }

  #forgetOldest(): void {
    const oldest = this.#held.keys().next()
    if (oldest.done !== true) this.#lost(this.take(oldest.value).length)
  }
}
