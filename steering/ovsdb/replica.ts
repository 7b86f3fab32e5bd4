/** A column's value as OVSDB writes it (RFC 7047, 5.1): an atom, `["set", ...]`, `["map", ...]`. */
export type OvsdbValue = unknown
export type OvsdbRow = ReadonlyMap<string, OvsdbValue>

/** Columns that hold more than one element: changes to them come as differences. */
export type CompositeColumns = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Our copy of the monitored tables, kept by the three forms of update that ovsdb-server sends:
 * `update` (RFC 7047, 4.1.6: old and new), `update2` and `update3` (ovsdb-server(7): initial, insert,
 * modify, delete; a modify of a set or map of more than one element is a *difference*: elements that
 * are in both go, others come, and a map's key with another value is replaced).
 */
export class Replica {
  readonly #composite: CompositeColumns
  readonly #tables = new Map<string, Map<string, Map<string, OvsdbValue>>>()

  constructor(composite: CompositeColumns) {
    this.#composite = composite
  }

  clear(): void {
    this.#tables.clear()
  }

  rows(table: string): ReadonlyMap<string, OvsdbRow> {
    return this.#tables.get(table) ?? new Map()
  }

  /** `<table-updates>`: table -> uuid -> {old, new}. */
  applyUpdate(updates: unknown): void {
    for (const [table, uuid, change] of changesIn(updates)) {
      if (isRecord(change['new'])) this.#set(table, uuid, change['new'])
      else this.#table(table).delete(uuid)
    }
  }

  /** `<table-updates2>`: table -> uuid -> {initial | insert | modify | delete}. */
  applyUpdate2(updates: unknown): void {
    for (const [table, uuid, change] of changesIn(updates)) {
      if (isRecord(change['initial'])) this.#set(table, uuid, change['initial'])
      else if (isRecord(change['insert'])) this.#set(table, uuid, change['insert'])
      else if (isRecord(change['modify'])) this.#modify(table, uuid, change['modify'])
      else if ('delete' in change) this.#table(table).delete(uuid)
    }
  }

  #table(name: string): Map<string, Map<string, OvsdbValue>> {
    let rows = this.#tables.get(name)
    if (rows === undefined) this.#tables.set(name, (rows = new Map()))
    return rows
  }

  #set(table: string, uuid: string, columns: Record<string, unknown>): void {
    this.#table(table).set(uuid, new Map(Object.entries(columns)))
  }

  #modify(table: string, uuid: string, columns: Record<string, unknown>): void {
    const row = this.#table(table).get(uuid)
    if (row === undefined) return
    for (const [column, value] of Object.entries(columns)) {
      const isComposite = this.#composite.get(table)?.has(column) === true
      row.set(column, isComposite ? applyDifference(row.get(column), value) : value)
    }
  }
}

/** Elements of a set column: an atom alone is a set of one. */
export function setOf(value: OvsdbValue): readonly unknown[] {
  if (Array.isArray(value) && value[0] === 'set' && Array.isArray(value[1])) return value[1]
  return value === undefined ? [] : [value]
}

/** A map column of strings. */
export function mapOf(value: OvsdbValue): ReadonlyMap<string, string> {
  if (!(Array.isArray(value) && value[0] === 'map' && Array.isArray(value[1]))) return new Map()
  return new Map(
    value[1].flatMap((pair) =>
      Array.isArray(pair) && typeof pair[0] === 'string' && typeof pair[1] === 'string'
        ? [[pair[0], pair[1]] as const]
        : [],
    ),
  )
}

/** The uuid in `["uuid", "..."]`, or null. */
export function uuidOf(value: unknown): string | null {
  return Array.isArray(value) && value[0] === 'uuid' && typeof value[1] === 'string'
    ? value[1]
    : null
}

function applyDifference(before: OvsdbValue, difference: OvsdbValue): OvsdbValue {
  if (Array.isArray(difference) && difference[0] === 'map') {
    const map = new Map(mapOf(before))
    for (const [key, value] of mapOf(difference)) {
      if (map.get(key) === value) map.delete(key)
      else map.set(key, value)
    }
    return ['map', [...map]]
  }
  const elements = new Map(setOf(before).map((element) => [JSON.stringify(element), element]))
  for (const element of setOf(difference)) {
    const key = JSON.stringify(element)
    if (!elements.delete(key)) elements.set(key, element)
  }
  return ['set', [...elements.values()]]
}

function* changesIn(updates: unknown): Generator<[string, string, Record<string, unknown>]> {
  if (!isRecord(updates)) return
  for (const [table, rows] of Object.entries(updates)) {
    if (!isRecord(rows)) continue
    for (const [uuid, change] of Object.entries(rows))
      if (isRecord(change)) yield [table, uuid, change]
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
