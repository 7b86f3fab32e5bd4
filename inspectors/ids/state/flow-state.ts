import type { Operand } from '#signatures/suricata/buffer-match.ts'
import type { FlowCheck, XbitTrack } from '#signatures/suricata/checks.ts'
import type { Effect } from '#signatures/suricata/rule.ts'
import { MAX_FLOW_BITS, MAX_HOST_BITS } from '../limits.ts'
import { BoundedTable } from './bounded-table.ts'

/** Checks that the state of the connection or its hosts answers. */
export type StateCheck = Extract<FlowCheck, { kind: 'flowbits' | 'xbits' | 'flowint' }>

/** Xbits and hostbits: shared by all connections of an inspector. */
export type HostBits = BoundedTable<true>

export function createHostBits(): HostBits {
  return new BoundedTable<true>(MAX_HOST_BITS)
}

const NO_BITS: ReadonlySet<string> = new Set()
const NO_NUMBERS: ReadonlyMap<string, number> = new Map()

/** Named bits and numbers of one connection. */
export class FlowState {
  readonly #hostBits: HostBits
  /** Null: none was set so far. */
  #bits: Set<string> | null = null
  #numbers: Map<string, number> | null = null

  constructor(hostBits: HostBits) {
    this.#hostBits = hostBits
  }

  /**
   * @param source, destination addresses of the data being matched, as text
   * @param now milliseconds
   * @returns true when the check holds
   */
  holds(check: StateCheck, source: string, destination: string, now: number): boolean {
    switch (check.kind) {
      case 'flowbits': {
        const set = this.#hasAny(check.names)
        return check.operation === 'isset' ? set : !set
      }
      case 'xbits': {
        const key = hostKey(check.name, check.track, source, destination)
        const set = this.#hostBits.get(key, now) === true
        return check.operation === 'isset' ? set : !set
      }
      case 'flowint':
        return this.#compare(check)
    }
  }

  apply(effect: Effect, source: string, destination: string, now: number): void {
    switch (effect.kind) {
      case 'flowbits':
        for (const name of effect.names) this.#bit(name, effect.operation)
        return
      case 'xbits': {
        const key = hostKey(effect.name, effect.track, source, destination)
        const clear =
          effect.operation === 'unset' ||
          (effect.operation === 'toggle' && this.#hostBits.get(key, now) === true)
        if (clear) this.#hostBits.delete(key)
        else this.#hostBits.set(key, true, now + effect.expireSeconds * 1000)
        return
      }
      case 'flowint': {
        const value = this.#value(effect.value)
        const numbers = (this.#numbers ??= new Map())
        const before = numbers.get(effect.name)
        if (before === undefined && numbers.size >= MAX_FLOW_BITS) return
        if (effect.operation === '=') numbers.set(effect.name, value)
        else if (effect.operation === '+') numbers.set(effect.name, (before ?? 0) + value)
        else if (before !== undefined) numbers.set(effect.name, before - value)
      }
    }
  }

  /** Names of the bits that are set, in the order in which they were. */
  get bits(): ReadonlySet<string> {
    return this.#bits ?? NO_BITS
  }

  get numbers(): ReadonlyMap<string, number> {
    return this.#numbers ?? NO_NUMBERS
  }

  #hasAny(names: readonly string[]): boolean {
    const bits = this.#bits
    return bits !== null && names.some((name) => bits.has(name))
  }

  #bit(name: string, operation: 'set' | 'unset' | 'toggle'): void {
    const bits = (this.#bits ??= new Set())
    if (operation === 'unset' || (operation === 'toggle' && bits.has(name))) bits.delete(name)
    else if (bits.size < MAX_FLOW_BITS) bits.add(name)
  }

  #value(operand: Operand): number {
    return typeof operand === 'number' ? operand : (this.#numbers?.get(operand) ?? 0)
  }

  #compare(check: Extract<FlowCheck, { kind: 'flowint' }>): boolean {
    const number = this.#numbers?.get(check.name)
    if (check.comparison === 'notset') return number === undefined
    if (number === undefined) return false
    const wanted = this.#value(check.value)
    switch (check.comparison) {
      case 'isset':
        return true
      case '<':
        return number < wanted
      case '>':
        return number > wanted
      case '=':
        return number === wanted
      case '<=':
        return number <= wanted
      case '>=':
        return number >= wanted
      case '!=':
        return number !== wanted
    }
  }
}

function hostKey(name: string, track: XbitTrack, source: string, destination: string): string {
  switch (track) {
    case 'ip_src':
      return `${name} ${source}`
    case 'ip_dst':
      return `${name} ${destination}`
    case 'ip_pair':
    case 'tx':
      return source < destination
        ? `${name} ${source} ${destination}`
        : `${name} ${destination} ${source}`
  }
}
