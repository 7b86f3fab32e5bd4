import { Entry } from '../values/entry.ts'

/** Slots 0 to 9 are TX.0 to TX.9, what `capture` writes. */
export const CAPTURE_SLOTS = 10

/** Most TX variables whose names are made while a transaction runs. */
export const MAX_DYNAMIC_VARIABLES = 10_000

/** Which TX names have a slot: all that the rules spell out. Built while compiling. */
export class TxNames {
  readonly #slots = new Map<string, number>()
  readonly names: string[] = []

  constructor() {
    for (let index = 0; index < CAPTURE_SLOTS; index += 1) this.slotOf(String(index))
  }

  /** The slot of a name, made when there is none yet. */
  slotOf(name: string): number {
    const key = name.toLowerCase()
    const known = this.#slots.get(key)
    if (known !== undefined) return known
    const slot = this.names.length
    this.names.push(key)
    this.#slots.set(key, slot)
    return slot
  }

  find(nameLower: string): number | undefined {
    return this.#slots.get(nameLower)
  }
}

/** Variables without a slot, by name in lower case. */
export type DynamicVariables = ReadonlyMap<string, Entry>

/** TX of one transaction: an array for names known to the rules, a map for those made on the way. */
export class TxStore {
  readonly #names: TxNames
  /** As they were at the beginning, or somebody gave them; not to be changed. */
  #given: readonly (string | undefined)[]
  /** Null: nobody has asked for them yet. */
  #own: (string | undefined)[] | null = null
  #dynamic: Map<string, Entry> | null = null
  /** Not to be changed: another transaction has the same. */
  #shared: DynamicVariables | null = null

  /** @param initial values by slot, copied before the first change */
  constructor(names: TxNames, initial: readonly (string | undefined)[]) {
    this.#names = names
    this.#given = initial
  }

  /** Values by slot. */
  get slots(): (string | undefined)[] {
    return (this.#own ??= this.#given.slice())
  }

  /** Values by slot as they are: from now on changes are made to a copy. */
  keep(): readonly (string | undefined)[] {
    if (this.#own !== null) {
      this.#given = this.#own
      this.#own = null
    }
    return this.#given
  }

  /** Takes the place of all variables. */
  take(slots: readonly (string | undefined)[], dynamic: DynamicVariables | null): void {
    this.#given = slots
    this.#own = null
    this.#shared = dynamic
    this.#dynamic = null
  }

  /** Variables without a slot. */
  get dynamic(): DynamicVariables | null {
    return this.#shared ?? this.#dynamic
  }

  /** The variables without a slot are those of another transaction, and will not change. */
  get isShared(): boolean {
    return this.#shared !== null
  }

  /** Takes variables without a slot as they are; a copy is made before the first change. */
  share(variables: DynamicVariables): void {
    this.#shared = variables
    this.#dynamic = null
  }

  get(name: string): string | undefined {
    const key = name.toLowerCase()
    const slot = this.#names.find(key)
    return slot === undefined ? this.dynamic?.get(key)?.value : this.slots[slot]
  }

  set(name: string, value: string | undefined): void {
    const key = name.toLowerCase()
    const slot = this.#names.find(key)
    if (slot !== undefined) {
      this.slots[slot] = value
      return
    }
    if (this.#shared !== null) {
      this.#dynamic = new Map(this.#shared)
      this.#shared = null
    }
    if (value === undefined) {
      this.#dynamic?.delete(key)
      return
    }
    this.#dynamic ??= new Map()
    if (this.#dynamic.size >= MAX_DYNAMIC_VARIABLES && !this.#dynamic.has(key)) return
    this.#dynamic.set(key, new Entry(name, value, key))
  }

  /** All variables as values of the collection. */
  entries(): Entry[] {
    const entries: Entry[] = []
    for (let slot = 0; slot < this.slots.length; slot += 1) this.#push(slot, entries)
    this.#pushDynamic(entries)
    return entries
  }

  /** Variables of these slots, and all without a slot. */
  entriesOf(slots: readonly number[]): readonly Entry[] {
    const entries: Entry[] = []
    for (let index = 0; index < slots.length; index += 1) this.#push(slots[index], entries)
    this.#pushDynamic(entries)
    return entries
  }

  #pushDynamic(entries: Entry[]): void {
    const { dynamic } = this
    if (dynamic === null) return
    for (const entry of dynamic.values()) entries.push(entry)
  }

  #push(slot: number, entries: Entry[]): void {
    const value = this.slots[slot]
    const name = this.#names.names[slot]
    if (value !== undefined) entries.push(new Entry(name, value, name))
  }
}
