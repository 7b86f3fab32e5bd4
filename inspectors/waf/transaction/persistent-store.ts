import type { PersistentCollection } from '#signatures/seclang/model.ts'
import { Entry } from '../values/entry.ts'

/** Most records, and most variables of one record, that are kept in memory. */
export const MAX_RECORDS = 20_000
export const MAX_RECORD_VARIABLES = 128

/** Where collections live that outlast a transaction (`initcol`). */
export interface PersistentStore {
  /** The record of a key, made when there is none. */
  open(collection: PersistentCollection, key: string, nowMs: number): PersistentRecord
}

interface Variable {
  readonly name: string
  value: string
  expiresAt: number
  updatedAt: number
}

/** Variables of one key. Names are compared without letter case. */
export class PersistentRecord {
  readonly key: string
  readonly #variables = new Map<string, Variable>()
  readonly #timeoutMs: number
  readonly #createdAt: number
  #updatedAt: number
  #updates = 0

  constructor(key: string, nowMs: number, timeoutMs: number) {
    this.key = key
    this.#createdAt = nowMs
    this.#updatedAt = nowMs
    this.#timeoutMs = timeoutMs
  }

  isExpired(nowMs: number): boolean {
    return nowMs - this.#updatedAt > this.#timeoutMs
  }

  get(name: string, nowMs: number): string | undefined {
    const key = name.toLowerCase()
    const own = this.#live(key, nowMs)
    if (own !== undefined) return own.value
    return this.#builtIn(key, nowMs)
  }

  set(name: string, value: string | undefined, nowMs: number): void {
    const key = name.toLowerCase()
    this.#updatedAt = nowMs
    this.#updates += 1
    if (value === undefined) {
      this.#variables.delete(key)
      return
    }
    const known = this.#live(key, nowMs)
    if (known !== undefined) {
      known.value = value
      known.updatedAt = nowMs
    } else if (this.#variables.size < MAX_RECORD_VARIABLES) {
      this.#variables.set(key, { name, value, expiresAt: Infinity, updatedAt: nowMs })
    }
  }

  expire(name: string, seconds: number, nowMs: number): void {
    const variable = this.#live(name.toLowerCase(), nowMs)
    if (variable !== undefined) variable.expiresAt = nowMs + seconds * 1000
  }

  /** Lowers a number by `amount` for every `seconds` since it was last changed, not below zero. */
  deprecate(name: string, amount: number, seconds: number, nowMs: number): void {
    const variable = this.#live(name.toLowerCase(), nowMs)
    if (variable === undefined || seconds <= 0) return
    const periods = Math.floor((nowMs - variable.updatedAt) / (seconds * 1000))
    if (periods <= 0) return
    const value = Number.parseInt(variable.value, 10)
    if (!Number.isFinite(value)) return
    variable.value = String(Math.max(0, value - amount * periods))
    variable.updatedAt = nowMs
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
    this.#variables.delete(key)
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
        return String(Math.floor(this.#timeoutMs / 1000))
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

  constructor(timeoutSeconds: number) {
    this.#timeoutMs = timeoutSeconds * 1000
  }

  open(collection: PersistentCollection, key: string, nowMs: number): PersistentRecord {
    const id = `${collection}\0${key}`
    let record = this.#records.get(id)
    if (record !== undefined) this.#records.delete(id)
    if (record === undefined || record.isExpired(nowMs)) {
      record = new PersistentRecord(key, nowMs, this.#timeoutMs)
    }
    if (this.#records.size >= MAX_RECORDS) {
      const oldest = this.#records.keys().next()
      if (oldest.done !== true) this.#records.delete(oldest.value)
    }
    this.#records.set(id, record)
    return record
  }
}
