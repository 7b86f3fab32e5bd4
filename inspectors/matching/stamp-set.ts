/** Clearing writes every stamp anew after this many times; below it the stamps fit their array. */
const MAX_STAMP = 0x7fff_ffff

/** A set of small numbers that is emptied at no cost, for scratch space that every value uses anew. */
export class StampSet {
  readonly #stamps: Int32Array
  #stamp: number

  /**
   * @param size numbers are below it
   * @param first for tests: stamp to begin with
   */
  constructor(size: number, first = 1) {
    this.#stamps = new Int32Array(size)
    this.#stamp = first
  }

  clear(): void {
    if (this.#stamp === MAX_STAMP) {
      this.#stamps.fill(0)
      this.#stamp = 0
    }
    this.#stamp += 1
  }

  has(id: number): boolean {
    return this.#stamps[id] === this.#stamp
  }

  /** True when the number was not in the set yet. */
  add(id: number): boolean {
    if (this.#stamps[id] === this.#stamp) return false
    this.#stamps[id] = this.#stamp
    return true
  }
}
