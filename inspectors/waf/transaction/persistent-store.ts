import type { PersistentCollection } from '#signatures/seclang/model.ts'
import { Entry } from '../values/entry.ts'
import { toInteger } from './arithmetic.ts'

/** Most records, and most variables of one record, that are kept in memory. */
export const MAX_RECORDS = 20_000
export const MAX_RECORD_VARIABLES = 128
/** Most bytes of names and values of one record; longer values are cut, more variables not kept. */
export const MAX_RECORD_BYTES = 8192
export const MAX_VARIABLE_BYTES = 2048

/** Where collections live that outlast a transaction (`initcol`). */
export interface PersistentStore {
  /** The record of a key, made when there is none. */
  open(collection: PersistentCollection, key: string, nowMs: number): PersistentRecord
}

/** A variable of a record; times are milliseconds since the epoch. */
export interface Variable {
  readonly name: string
  value: string
  expiresAt: number
  updatedAt: number
}

/** What was done to a variable. `add` is what others' changes can be added to. */
export type Change =
  | { readonly kind: 'add'; readonly amount: number }
  | { readonly kind: 'set'; readonly value: string }
  | { readonly kind: 'unset' }
  | { readonly kind: 'expire'; readonly at: number }

/** Told of changes of a record that others share. */
export interface RecordObserver {
  changed(record: PersistentRecord, name: string, change: Change): void
}

/** Variables of one key. Names are compared without letter case. */
export class PersistentRecord {
  readonly key: string
  readonly #variables = new Map<string, Variable>()
  readonly timeoutMs: number
  readonly #observer: RecordObserver | null
  #createdAt: number
  #updatedAt: number
  #updates = 0
  #bytes = 0

  constructor(
    key: string,
    nowMs: number,
    timeoutMs: number,
    observer: RecordObserver | null = null,
  ) {
    this.key = key
    this.#observer = observer
    this.#createdAt = nowMs
    this.#updatedAt = nowMs
    this.timeoutMs = timeoutMs
  }

  isExpired(nowMs: number): boolean {
    return nowMs - this.#updatedAt > this.timeoutMs
  }

  get(name: string, nowMs: number): string | undefined {
    const key = name.toLowerCase()
    const own = this.#live(key, nowMs)
    if (own !== undefined) return own.value
    return this.#builtIn(key, nowMs)
  }

  /** @param isRelative the value comes of an addition, to which others may have added meanwhile */
  set(name: string, value: string | undefined, nowMs: number, isRelative = false): void {
    const key = name.toLowerCase()
    this.#updatedAt = nowMs
    this.#updates += 1
    if (value === undefined) {
      this.#delete(key)
      this.#observer?.changed(this, name, { kind: 'unset' })
      return
    }
    const before = this.#live(key, nowMs)?.value
    const kept = value.slice(0, MAX_VARIABLE_BYTES)
    if (!this.#put(name, kept, nowMs)) return
    this.#observer?.changed(
      this,
      name,
      isRelative
        ? { kind: 'add', amount: toInteger(kept) - toInteger(before ?? '0') }
        : { kind: 'set', value: kept },
    )
  }

  expire(name: string, seconds: number, nowMs: number): void {
    const variable = this.#live(name.toLowerCase(), nowMs)
    if (variable === undefined) return
    variable.expiresAt = nowMs + seconds * 1000
    this.#observer?.changed(this, name, { kind: 'expire', at: variable.expiresAt })
  }

  /** Lowers a number by `amount` for every `seconds` since it was last changed, not below zero. */
  deprecate(name: string, amount: number, seconds: number, nowMs: number): void {
    const variable = this.#live(name.toLowerCase(), nowMs)
    if (variable === undefined || seconds <= 0) return
    const periods = Math.floor((nowMs - variable.updatedAt) / (seconds * 1000))
    if (periods <= 0) return
    const value = Number.parseInt(variable.value, 10)
    if (!Number.isFinite(value)) return
    const lower = Math.max(0, value - amount * periods)
    variable.value = String(lower)
    variable.updatedAt = nowMs
    this.#observer?.changed(this, name, { kind: 'add', amount: lower - value })
  }

  /** Takes over what all who share the record have made of it. */
  adopt(variables: readonly Variable[], createdAt: number, updates: number): void {
    this.#variables.clear()
    this.#bytes = 0
    for (const variable of variables) {
      if (!this.#put(variable.name, variable.value, variable.updatedAt)) continue
      this.#variables.get(variable.name.toLowerCase())!.expiresAt = variable.expiresAt
    }
    this.#createdAt = createdAt
    this.#updates = updates
    for (const { updatedAt } of variables) this.#updatedAt = Math.max(this.#updatedAt, updatedAt)
  }

  /** False when the record is full. */
  #put(name: string, value: string, updatedAt: number): boolean {
    const key = name.toLowerCase()
    const known = this.#variables.get(key)
    const more = value.length - (known === undefined ? -name.length : known.value.length)
    if (this.#bytes + more > MAX_RECORD_BYTES) return false
    if (known !== undefined) {
      known.value = value
      known.updatedAt = updatedAt
    } else {
      if (this.#variables.size >= MAX_RECORD_VARIABLES) return false
      this.#variables.set(key, { name, value, expiresAt: Infinity, updatedAt })
    }
    this.#bytes += more
    return true
  }

  #delete(key: string): void {
    const variable = this.#variables.get(key)
    if (variable === undefined) return
    this.#variables.delete(key)
    this.#bytes -= variable.name.length + variable.value.length
  }

  entries(nowMs: number): Entry[] {
    const entries: Entry[] = []
    for (const key of this.#variables.keys()) {
      const variable = this.#live(key, nowMs)
      if (variable !== undefined) entries.push(new Entry(variable.name, variable.value))
    }
    for (const name of BUILT_IN_NAMES) {
      const value = this.#builtIn(name, nowMs)
      if (value !== undefined) entries.push(new Entry(name.toUpperCase(), value))
    }
    return entries
  }

  #live(key: string, nowMs: number): Variable | undefined {
    const variable = this.#variables.get(key)
    if (variable === undefined || variable.expiresAt > nowMs) return variable
    this.#delete(key)
    return undefined
  }

  #builtIn(key: string, nowMs: number): string | undefined {
    switch (key) {
      case 'key':
        return this.key
      case 'create_time':
        return String(Math.floor(this.#createdAt / 1000))
      case 'last_update_time':
        return String(Math.floor(this.#updatedAt / 1000))
      case 'timeout':
        return String(Math.floor(this.timeoutMs / 1000))
      case 'update_counter':
        return String(this.#updates)
      case 'update_rate': {
        const minutes = Math.max(1, (nowMs - this.#createdAt) / 60_000)
        return String(Math.floor(this.#updates / minutes))
      }
      case 'is_new':
        return this.#updates === 0 ? '1' : '0'
      default:
        return undefined
    }
  }
}

const BUILT_IN_NAMES = [
  'key',
  'create_time',
  'last_update_time',
  'timeout',
  'update_counter',
  'update_rate',
  'is_new',
] as const

/** Records in the worker's memory: the least recently opened goes first when the bound is reached. */
export class LocalPersistentStore implements PersistentStore {
  readonly #records = new Map<string, PersistentRecord>()
  readonly #timeoutMs: number
  readonly #observer: RecordObserver | null
  readonly #maxRecords: number

  constructor(
    timeoutSeconds: number,
    observer: RecordObserver | null = null,
    maxRecords = MAX_RECORDS,
  ) {
    this.#timeoutMs = timeoutSeconds * 1000
    this.#observer = observer
    this.#maxRecords = maxRecords
  }

  open(collection: PersistentCollection, key: string, nowMs: number): PersistentRecord {
    const id = `${collection}\0${key}`
    let record = this.#records.get(id)
    if (record !== undefined) this.#records.delete(id)
    if (record === undefined || record.isExpired(nowMs)) {
      record = new PersistentRecord(key, nowMs, this.#timeoutMs, this.#observer)
    }
    if (this.#records.size >= this.#maxRecords) {
      const oldest = this.#records.keys().next()
      if (oldest.done !== true) this.#records.delete(oldest.value)
    }
    this.#records.set(id, record)
    return record
  }
}
