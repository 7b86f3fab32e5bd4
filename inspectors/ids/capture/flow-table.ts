import { KEY_WORDS, protocolOfKey, type Sender } from './flow-key.ts'
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

/**
 * Words of a flow's slot, one after another as most packets ask for all of them: its key, the next place with the same hash,
 * whether its client is the second end of the key, and the time of its newest packet, milliseconds, as a double.
 */
const SLOT_WORDS = 16
const NEXT = KEY_WORDS
const IS_CLIENT_SECOND = KEY_WORDS + 1
const SLOT_DOUBLES = SLOT_WORDS / 2
const LAST_MS = SLOT_DOUBLES - 1

/** Why a flow is over: nothing came, the capture ended, another flow took its place. */
export type FlowEnd = 'timeout' | 'shutdown' | 'forced'

/**
 * Flows of a capture by their keys, and in the order in which they began.
 *
 * Each flow has a place; what is asked for each packet stands in a typed array at that place, so that one line of the cache
 * has it, and flows that nothing comes for are not touched. Places whose keys have the same hash are chained, as are places
 * that are left. Looking a packet up allocates nothing.
 */
export class FlowTable {
  readonly #close: (flow: ReplayFlow, reason: FlowEnd, lastMs: number) => void
  readonly #timeouts: FlowTimeouts
  /** Differs from run to run: nobody can choose addresses whose keys share a hash. */
  readonly #seed: number
  #capacity = FIRST_FLOWS
  /** First place of each hash. */
  #heads = new Int32Array(FIRST_FLOWS).fill(NONE)
  #slots = new Int32Array(FIRST_FLOWS * SLOT_WORDS)
  /** The same slots, for the times in them. */
  #times = new Float64Array(this.#slots.buffer)
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

  /** @param close told of each flow that is over, and when its newest packet came */
  constructor(
    timeouts: FlowTimeouts,
    close: (flow: ReplayFlow, reason: FlowEnd, lastMs: number) => void,
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
    let place = this.#heads[this.#bucketOf(key, 0)]
    while (place !== NONE && !this.#isKeyOf(place, key))
      place = this.#slots[place * SLOT_WORDS + NEXT]
    return place
  }

  at(place: number): ReplayFlow {
    return this.#flows[place]!
  }

  /** True when this end of the key is the flow's client. */
  isClient(place: number, sender: Sender): boolean {
    if (sender === 'either') return true
    return (sender === 'second') === (this.#slots[place * SLOT_WORDS + IS_CLIENT_SECOND] === 1)
  }

  /** A packet of the flow came. */
  touch(place: number, nowMs: number): void {
    this.#times[place * SLOT_DOUBLES + LAST_MS] = nowMs
  }

  /** True when a packet at this time belongs to a new flow. */
  isTimedOut(place: number, nowMs: number): boolean {
    const elapsedMs = nowMs - this.#times[place * SLOT_DOUBLES + LAST_MS]
    const own = timeoutsFor(this.#timeouts, protocolOfKey(this.#slots, place * SLOT_WORDS))
    return elapsedMs > shortestTimeout(own) && elapsedMs > own[this.at(place).state]
  }

  /** @param client which end of the key is the flow's client */
  add(key: Int32Array, client: Sender, flow: ReplayFlow, nowMs: number): void {
    if (this.#size >= MAX_FLOWS) this.remove(this.#oldest, 'forced')
    const place = this.#takePlace()
    const slot = place * SLOT_WORDS
    this.#slots.set(key, slot)
    this.#slots[slot + IS_CLIENT_SECOND] = client === 'second' ? 1 : 0
    this.touch(place, nowMs)
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
    const lastMs = this.#times[place * SLOT_DOUBLES + LAST_MS]
    this.#unchain(place)
    const older = this.#older[place]
    const newer = this.#newer[place]
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
    if (this.#sweep === place) this.#sweep = newer
    this.#flows[place] = null
    this.#slots[place * SLOT_WORDS + NEXT] = this.#free
    this.#free = place
    this.#size -= 1
    this.#close(flow, reason, lastMs)
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
      if (this.isTimedOut(place, nowMs)) this.remove(place, 'timeout')
    }
  }

  #isKeyOf(place: number, key: Int32Array): boolean {
    const slots = this.#slots
    const from = place * SLOT_WORDS
    for (let word = 0; word < KEY_WORDS; word += 1)
      if (slots[from + word] !== key[word]) return false
    return true
  }

  #takePlace(): number {
    this.#size += 1
    if (this.#free !== NONE) {
      const place = this.#free
      this.#free = this.#slots[place * SLOT_WORDS + NEXT]
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
    this.#slots = grown(this.#slots, capacity * SLOT_WORDS)
    this.#times = new Float64Array(this.#slots.buffer)
    this.#older = grown(this.#older, capacity)
    this.#newer = grown(this.#newer, capacity)
    this.#heads = new Int32Array(capacity).fill(NONE)
    this.#capacity = capacity
    for (let place = 0; place < this.#flows.length; place += 1) this.#chain(place)
  }

  #chain(place: number): void {
    const slot = place * SLOT_WORDS
    const bucket = this.#bucketOf(this.#slots, slot)
    this.#slots[slot + NEXT] = this.#heads[bucket]
    this.#heads[bucket] = place
  }

  #unchain(place: number): void {
    const slots = this.#slots
    const slot = place * SLOT_WORDS
    const bucket = this.#bucketOf(slots, slot)
    if (this.#heads[bucket] === place) {
      this.#heads[bucket] = slots[slot + NEXT]
      return
    }
    let before = this.#heads[bucket] * SLOT_WORDS
    while (slots[before + NEXT] !== place) before = slots[before + NEXT] * SLOT_WORDS
    slots[before + NEXT] = slots[slot + NEXT]
  }

  /** Index of the chain for the key that begins at a word. */
  #bucketOf(words: Int32Array, at: number): number {
    return hashOf(words, at, this.#seed) & (this.#capacity - 1)
  }
}

function hashOf(words: Int32Array, at: number, seed: number): number {
  let hash = seed
  for (let word = 0; word < KEY_WORDS; word += 1) {
    hash = Math.imul(hash ^ words[at + word], 0x9e37_79b1)
    hash ^= hash >>> 15
  }
  return Math.imul(hash, 0x85eb_ca6b) ^ (hash >>> 13)
}
