import { type Hash, createHash } from 'node:crypto'
import type { HashAlgorithm } from '#signatures/suricata/checks.ts'

/** Bytes of a file after which its size and sums are no longer followed. */
export const MAX_FILE_BYTES = 16_777_216

/** A file that a message carries, as far as it has come. Its bytes are not kept. */
export class TransferredFile {
  /** Latin1; null: it has none. */
  readonly name: string | null
  /** Rules that have matched with it: each does so once. */
  readonly fired = new Set<number>()
  #size = 0
  #state: 'open' | 'closed' | 'truncated' = 'open'
  readonly #hashes: readonly (readonly [HashAlgorithm, Hash])[]
  readonly #digests = new Map<HashAlgorithm, string>()

  constructor(name: string | null, wanted: readonly HashAlgorithm[]) {
    this.name = name
    this.#hashes = wanted.map((algorithm) => [algorithm, createHash(algorithm)])
  }

  get size(): number {
    return this.#size
  }

  /** `truncated`: it goes on, or went on, beyond what was followed. */
  get state(): 'open' | 'closed' | 'truncated' {
    return this.#state
  }

  push(bytes: Buffer): void {
    if (this.#state !== 'open') return
    this.#size += bytes.length
    if (this.#size > MAX_FILE_BYTES) this.#state = 'truncated'
    else for (const [, hash] of this.#hashes) hash.update(bytes)
  }

  /** @param isWhole nothing of it is missing */
  close(isWhole: boolean): void {
    if (this.#state !== 'open') return
    this.#state = isWhole ? 'closed' : 'truncated'
    if (!isWhole) return
    for (const [algorithm, hash] of this.#hashes) this.#digests.set(algorithm, hash.digest('hex'))
  }

  /** Hex; null: it is not whole, or nobody asked for this sum when it began. */
  digest(algorithm: HashAlgorithm): string | null {
    return this.#digests.get(algorithm) ?? null
  }
}
