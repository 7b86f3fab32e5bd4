/**
 * A map with a bound and with expiring entries. When it is full the entry that was set longest ago goes:
 * an attacker who fills the table makes old state be forgotten, never memory grow.
 */
export class BoundedTable<Value> {
  readonly #entries = new Map<string, { value: Value; expiresAt: number }>()
  readonly #bound: number
  /** Entries that were pushed out before their time. */
  evicted = 0

  constructor(bound: number) {
    this.#bound = bound
  }

  /** @param now milliseconds */
  get(key: string, now: number): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresAt > now) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, value: Value, expiresAt: number): void {
    this.#entries.delete(key)
    if (this.#entries.size >= this.#bound) {
      const oldest = this.#entries.keys().next()
      if (oldest.done !== true) {
        this.#entries.delete(oldest.value)
        this.evicted += 1
      }
    }
    this.#entries.set(key, { value, expiresAt })
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  get size(): number {
    return this.#entries.size
  }
}
