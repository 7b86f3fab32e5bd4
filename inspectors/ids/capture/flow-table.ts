import { KEY_WORDS, type Sender } from './flow-key.ts'
import { type FlowTimeouts, shortestTimeout, timeoutsFor } from './flow-timeouts.ts'
import type { ReplayFlow } from './replay-flow.ts'

/** Flows that are followed at a time; the oldest is closed for a new one. */
export const MAX_FLOWS = 65_536
const FIRST_FLOWS = 256
/** Packets after which some flows are looked at, whether their time is over. */
const SWEEP_EVERY = 1024
const SWEEP_FLOWS = 128
/** Flows below which nothing is swept: they cost little. */
const SWEEP_FROM = 1024
const NONE = -1

/** Why a flow is over: nothing came, the capture ended, another flow took its place. */
export type FlowEnd = 'timeout' | 'shutdown' | 'forced'

/**
 * Flows of a capture by their keys, and in the order in which they began.
 *
 * Each flow has a place; its key stands in a typed array at that place, and places whose keys have the same hash are
 * chained. Places that are left are chained as well. Looking a packet up allocates nothing.
 */
export class FlowTable {
  readonly #close: (flow: ReplayFlow, reason: FlowEnd) => void
  readonly #timeouts: FlowTimeouts
  /** Differs from run to run: nobody can choose addresses whose keys share a hash. */
  readonly #seed: number
  #capacity = FIRST_FLOWS
  /** First place of each hash. */
  #heads = new Int32Array(FIRST_FLOWS).fill(NONE)
  #next = new Int32Array(FIRST_FLOWS)
  #hashes = new Int32Array(FIRST_FLOWS)
  #keys = new Int32Array(FIRST_FLOWS * KEY_WORDS)
  /** The flow's client is the second end of the key. */
  #isClientSecond = new Uint8Array(FIRST_FLOWS)
  readonly #flows: (ReplayFlow | null)[] = []
  #free = NONE
  #older = new Int32Array(FIRST_FLOWS)
  #newer = new Int32Array(FIRST_FLOWS)
  #oldest = NONE
  #newest = NONE
  #size = 0
  #packets = 0
  /** Place that is looked at next, whether its time is over. */
  #sweep = NONE

  constructor(
    timeouts: FlowTimeouts,
    close: (flow: ReplayFlow, reason: FlowEnd) => void,
    seed = Math.floor(Math.random() * 0xffff_ffff),
  ) {
    this.#timeouts = timeouts
    this.#close = close
    this.#seed = seed | 0
  }

  get size(): number {
    return this.#size
  }

  /** @returns the place of the flow with this key; -1: there is none */
  find(key: Int32Array): number {
    const hash = hashOf(key, this.#seed)
    let place = this.#heads[hash & (this.#capacity - 1)]
    while (place !== NONE) {
      if (this.#hashes[place] === hash && this.#isKeyOf(place, key)) return place
      place = this.#next[place]
    }
    return NONE
  }

  at(place: number): ReplayFlow {
    return this.#flows[place]!
  }

  /** True when this end of the key is the flow's client. */
  isClient(place: number, sender: Sender): boolean {
    if (sender === 'either') return true
    return (sender === 'second') === (this.#isClientSecond[place] === 1)
  }

  /** @param client which end of the key is the flow's client */
  add(key: Int32Array, client: Sender, flow: ReplayFlow): void {
    if (this.#size >= MAX_FLOWS) this.remove(this.#oldest, 'forced')
    const place = this.#takePlace()
    const hash = hashOf(key, this.#seed)
    this.#hashes[place] = hash
    this.#keys.set(key, place * KEY_WORDS)
    this.#isClientSecond[place] = client === 'second' ? 1 : 0
    this.#flows[place] = flow
    this.#chain(place)
    this.#older[place] = this.#newest
    this.#newer[place] = NONE
    if (this.#newest === NONE) this.#oldest = place
    else this.#newer[this.#newest] = place
    this.#newest = place
  }

  remove(place: number, reason: FlowEnd): void {
    const flow = this.at(place)
    const bucket = this.#hashes[place] & (this.#capacity - 1)
    if (this.#heads[bucket] === place) this.#heads[bucket] = this.#next[place]
    else {
      let before = this.#heads[bucket]
      while (this.#next[before] !== place) before = this.#next[before]
      this.#next[before] = this.#next[place]
    }
    const older = this.#older[place]
    const newer = this.#newer[place]
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
    if (this.#sweep === place) this.#sweep = newer
    this.#flows[place] = null
    this.#next[place] = this.#free
    this.#free = place
    this.#size -= 1
    this.#close(flow, reason)
  }

  closeAll(): void {
    while (this.#oldest !== NONE) this.remove(this.#oldest, 'shutdown')
  }

  /** Called once a packet: closes some of the flows whose time is over. */
  sweep(nowMs: number): void {
    this.#packets += 1
    if (this.#packets % SWEEP_EVERY !== 0 || this.#size < SWEEP_FROM) return
    if (this.#sweep === NONE) this.#sweep = this.#oldest
    for (let count = 0; count < SWEEP_FLOWS && this.#sweep !== NONE; count += 1) {
      const place = this.#sweep
      this.#sweep = this.#newer[place]
      if (isTimedOut(this.at(place), nowMs, this.#timeouts)) this.remove(place, 'timeout')
    }
  }

  #isKeyOf(place: number, key: Int32Array): boolean {
    const keys = this.#keys
    const from = place * KEY_WORDS
    for (let word = 0; word < KEY_WORDS; word += 1)
      if (keys[from + word] !== key[word]) return false
    return true
  }

  #takePlace(): number {
    this.#size += 1
    if (this.#free !== NONE) {
      const place = this.#free
      this.#free = this.#next[place]
      return place
    }
    if (this.#flows.length === this.#capacity) this.#grow()
    this.#flows.push(null)
    return this.#flows.length - 1
  }

  #grow(): void {
    const capacity = this.#capacity * 2
    const grown = (from: Int32Array, length: number): Int32Array<ArrayBuffer> => {
      const to = new Int32Array(length)
      to.set(from)
      return to
    }
    this.#next = grown(this.#next, capacity)
    this.#hashes = grown(this.#hashes, capacity)
    this.#keys = grown(this.#keys, capacity * KEY_WORDS)
    this.#older = grown(this.#older, capacity)
    this.#newer = grown(this.#newer, capacity)
    const isClientSecond = new Uint8Array(capacity)
    isClientSecond.set(this.#isClientSecond)
    this.#isClientSecond = isClientSecond
    this.#heads = new Int32Array(capacity).fill(NONE)
    this.#capacity = capacity
    for (let place = 0; place < this.#flows.length; place += 1) this.#chain(place)
  }

  #chain(place: number): void {
    const bucket = this.#hashes[place] & (this.#capacity - 1)
    this.#next[place] = this.#heads[bucket]
    this.#heads[bucket] = place
  }
}

function hashOf(key: Int32Array, seed: number): number {
  let hash = seed
  for (let word = 0; word < KEY_WORDS; word += 1) {
    hash = Math.imul(hash ^ key[word], 0x9e37_79b1)
    hash ^= hash >>> 15
  }
  return Math.imul(hash, 0x85eb_ca6b) ^ (hash >>> 13)
}

/** True when a packet at this time belongs to a new flow. */
export function isTimedOut(flow: ReplayFlow, nowMs: number, timeouts: FlowTimeouts): boolean {
  const elapsedMs = nowMs - flow.lastMs
  const own = timeoutsFor(timeouts, flow.protocol)
  return elapsedMs > shortestTimeout(own) && elapsedMs > own[flow.state]
}
