import type { CompiledEffect, CompiledLink, SteadyInput, TargetPart } from '../compile/program.ts'
import type { Macro } from '../compile/macro.ts'
import { effectMacros } from '../compile/specialize.ts'
import type { Collection } from '../transaction/collections.ts'
import { OF_FIELDS, OF_RESPONSE_FIELDS, originOf } from '../transaction/value-origins.ts'

/** Most links that are tried again for a request that is like an earlier one. */
const MAX_TRIED_LINKS = 16

/**
 * What of an exchange decided how some rules ran: where it is the same, they run the same way. Values that only
 * the gate looked at are not here: of those it is enough that they satisfy nothing.
 */
export class RunReads {
  /** False: of something that may differ any time. */
  isKnown = true
  /** Bits of value-origins.ts: all values of it. */
  parts = 0
  /** Fields that were looked at one by one, in lower case. */
  readonly fields = new Set<string>()
  readonly responseFields = new Set<string>()
  /** Links that none of their values satisfied, and none of others must. */
  readonly tried: CompiledLink[] = []

  clear(): void {
    this.isKnown = true
    this.parts = 0
    this.fields.clear()
    this.responseFields.clear()
    this.tried.length = 0
  }

  /** @returns true when some of it is new here */
  add(other: RunReads): boolean {
    const before = this.#size
    this.isKnown &&= other.isKnown
    this.parts |= other.parts
    for (const name of other.fields) this.fields.add(name)
    for (const name of other.responseFields) this.responseFields.add(name)
    for (const link of other.tried) this.#try(link)
    return this.#size !== before
  }

  get #size(): number {
    return this.parts * 4096 + this.fields.size + this.responseFields.size + this.tried.length
  }

  /** A value was looked at, or all. @param nameLower null: all */
  value({ name }: Collection, nameLower: string | null): void {
    const origin = originOf(name)
    if (origin === null) {
      this.isKnown = false
      return
    }
    const { part } = origin
    const field = origin.field ?? nameLower
    if (field === null || (part !== OF_FIELDS && part !== OF_RESPONSE_FIELDS)) this.parts |= part
    else if (part === OF_FIELDS) this.fields.add(field)
    else this.responseFields.add(field)
  }

  input({ collection, nameLower, count }: SteadyInput): void {
    if (count && originOf(collection.name) !== null) return
    this.value(collection, nameLower)
  }

  macro({ collectionsRead }: Macro): void {
    for (const name of collectionsRead) this.#named(name)
  }

  effects(effects: readonly CompiledEffect[]): void {
    for (const effect of effects) for (const macro of effectMacros(effect)) this.macro(macro)
  }

  /** A link was run over values that are not gated. */
  link(link: CompiledLink, isMatch: boolean): void {
    const { targets, test } = link
    const mayTry = !isMatch && test.kind === 'static' && !targets.isVolatile
    let isTried = false
    for (const part of targets.parts) {
      const origin = originOf(part.collection.name)
      if (mayTry && origin !== null && origin.isText && origin.part !== OF_RESPONSE_FIELDS) {
        isTried = true
      } else this.#part(part)
    }
    if (isTried) this.#try(link)
  }

  #part({ collection, selector, count }: TargetPart): void {
    this.input({
      collection,
      count,
      nameLower: selector.kind === 'name' ? selector.nameLower : null,
    })
  }

  #named(name: string): void {
    const origin = originOf(name)
    if (origin === null) this.isKnown = false
    else if (origin.field === null) this.parts |= origin.part
    else if (origin.part === OF_FIELDS) this.fields.add(origin.field)
    else this.responseFields.add(origin.field)
  }

  #try(link: CompiledLink): void {
    if (this.tried.includes(link)) return
    if (this.tried.length === MAX_TRIED_LINKS) this.isKnown = false
    else this.tried.push(link)
  }
}
