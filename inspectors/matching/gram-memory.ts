/**
 * The memory that the loops of gram filters work in: tables of filters, texts, and what was found. It grows as filters
 * are made, and what a filter has taken is given to others when nobody holds the filter any more.
 */
import {
  BIT_TABLE,
  createGramKernel,
  createKernelMemory,
  type GramKernel,
  KERNEL_BYTES,
  LOWER_TABLE,
  PAGE_BYTES,
} from './gram-kernel.ts'

/** 1 GiB: the tables of some hundred times the rules that are known. */
const MAX_PAGES = 16_384
const GROW_PAGES = 16
const ALIGNMENT = 64

/** A part of the memory, as long as somebody holds it. */
export interface GramRegion {
  readonly address: number
  readonly bytes: number
}

class GramMemory {
  readonly kernel: GramKernel
  readonly #memory = createKernelMemory(1, MAX_PAGES)
  /** Newest view; growing makes another. */
  bytes: Buffer
  #used = Math.ceil(KERNEL_BYTES / ALIGNMENT) * ALIGNMENT
  /** Addresses that are free again, by their size. */
  readonly #free = new Map<number, number[]>()
  readonly #owners = new FinalizationRegistry<GramRegion>(({ address, bytes }) => {
    const known = this.#free.get(bytes)
    if (known === undefined) this.#free.set(bytes, [address])
    else known.push(address)
  })

  constructor() {
    this.kernel = createGramKernel(this.#memory, MAX_PAGES)
    this.bytes = Buffer.from(this.#memory.buffer)
    for (let index = 0; index < 16; index += 1) this.bytes[BIT_TABLE + index] = 1 << (index & 7)
    for (let byte = 0; byte < 256; byte += 1)
      this.bytes[LOWER_TABLE + byte] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
  }

  /**
   * @param owner the region is free again when this object is gone
   * @returns zeros
   */
  take(owner: object, bytes: number): GramRegion {
    const size = sizeClass(bytes)
    const address = this.#free.get(size)?.pop() ?? this.#append(size)
    const region = { address, bytes: size }
    this.bytes.fill(0, address, address + size)
    this.#owners.register(owner, region)
    return region
  }

  #append(size: number): number {
    const address = this.#used
    const missing = address + size - this.bytes.length
    if (missing > 0) {
      const pages = Math.ceil(missing / PAGE_BYTES)
      const left = MAX_PAGES - this.bytes.length / PAGE_BYTES
      if (pages > left)
        throw new RangeError(
          `the literals of the rules need more than ${MAX_PAGES * PAGE_BYTES} bytes of tables: load fewer rules`,
        )
      this.#memory.grow(Math.min(Math.max(GROW_PAGES, pages), left))
      this.bytes = Buffer.from(this.#memory.buffer)
    }
    this.#used += size
    return address
  }

  /**
   * @param address in bytes, a multiple of 4
   * @returns a view of `count` words, valid until the memory grows
   */
  words(address: number, count: number): Int32Array {
    return new Int32Array(this.bytes.buffer, address, count)
  }
}

/** Few sizes, so that what one filter leaves fits the next: at most an eighth is not used. */
function sizeClass(bytes: number): number {
  const step = Math.max(ALIGNMENT, 1 << Math.max(0, 28 - Math.clz32(bytes)))
  return Math.ceil(bytes / step) * step
}

export const gramMemory = new GramMemory()
