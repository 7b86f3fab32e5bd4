/** Numbers that look random and are the same in every run (xorshift32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0 || 1
  }

  /** Integer from 0 to `bound` - 1. */
  below(bound: number): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return (state >>> 0) % bound
  }

  /** True in `percent` of 100 calls. */
  chance(percent: number): boolean {
    return this.below(10_000) < percent * 100
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]
  }

  /** `digits` hexadecimal digits. */
  hex(digits: number): string {
    let text = ''
    while (text.length < digits) text += this.below(0x1000_0000).toString(16).padStart(7, '0')
    return text.slice(0, digits)
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count)
    for (let at = 0; at < count; at += 1) bytes[at] = this.below(256)
    return bytes
  }
}
