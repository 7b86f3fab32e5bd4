import type { Engine } from './engine.ts'

/**
 * Longest value that V8 is given. Its linear engine takes over from the backtracking one only after tens of
 * thousands of backtracks, and then reads some hundred kilobytes a second: 8 kB of quotes cost a worker
 * half a second. RE2 reads the same in a hundredth of a millisecond, but costs more to call.
 */
export const MAX_V8_BYTES = 256

/** V8 for short values, RE2 for long ones; both run the same pattern. */
export class HybridEngine implements Engine {
  readonly #short: Engine
  readonly #makeLong: () => Engine | null
  #long: Engine | null = null
  #used: Engine

  /** @param makeLong called once, at the first long value; null where RE2 refuses the pattern */
  constructor(short: Engine, makeLong: () => Engine | null) {
    this.#short = short
    this.#makeLong = makeLong
    this.#used = short
  }

  test(value: string, from: number): boolean {
    return this.#engineFor(value).test(value, from)
  }

  exec(value: string, from: number): number {
    return this.#engineFor(value).exec(value, from)
  }

  get end(): number {
    return this.#used.end
  }

  get exhausted(): boolean {
    return this.#used.exhausted
  }

  capture(group: number): string | null {
    return this.#used.capture(group)
  }

  #engineFor(value: string): Engine {
    if (value.length <= MAX_V8_BYTES) this.#used = this.#short
    else this.#used = this.#long ??= this.#makeLong() ?? this.#short
    return this.#used
  }
}
