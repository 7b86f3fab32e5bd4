import { isDeepStrictEqual } from 'node:util'

/**
 * A filter's `match` against one EVE event: equality of value and type at dotted paths, and the operators
 * that end a path (`__find`, `__len`, …), `has-key` and `not-has-key`.
 */

/** About which packet of a capture carried an alert, and its bytes: not compared. */
const PACKET_FIELDS = /^(?:pcap_cnt|pkt_src|packet|packet_info|packet\..*|packet_info\..*)$/

export interface EventFilter {
  readonly fields: readonly (readonly [string, unknown])[]
  /** It names packet fields, which are not compared: it wants at least its count. */
  readonly isLoose: boolean
}

export function eventFilter(match: Readonly<Record<string, unknown>>): EventFilter {
  const all = Object.entries(match)
  const fields = all.filter(([path]) => !PACKET_FIELDS.test(path))
  return { fields, isLoose: fields.length < all.length }
}

export function eventMatches(event: unknown, filter: EventFilter): boolean {
  return filter.fields.every(([path, wanted]) => fieldMatches(event, path, wanted))
}

function fieldMatches(event: unknown, path: string, wanted: unknown): boolean {
  const names = Array.isArray(wanted) ? wanted.map(String) : [String(wanted)]
  if (path === 'has-key') return names.every((name) => valueAt(event, name) !== undefined)
  if (path === 'not-has-key') return names.every((name) => valueAt(event, name) === undefined)
  const operator = /^(.*)\.__([a-z]+)$/.exec(path)
  if (operator === null) return isSame(valueAt(event, path), wanted)
  return operatorHolds(operator[2], valueAt(event, operator[1]), wanted)
}

function operatorHolds(operator: string, value: unknown, wanted: unknown): boolean {
  switch (operator) {
    case 'len':
      return (Array.isArray(value) || typeof value === 'string') && value.length === wanted
    case 'find':
    case 'contains':
      if (Array.isArray(value)) return value.some((item) => isSame(item, wanted))
      return typeof value === 'string' && value.includes(String(wanted))
    case 'startswith':
      return typeof value === 'string' && value.startsWith(String(wanted))
    case 'endswith':
      return typeof value === 'string' && value.endsWith(String(wanted))
    case 'gt':
      return typeof value === 'number' && value > Number(wanted)
    case 'gte':
      return typeof value === 'number' && value >= Number(wanted)
    case 'lt':
      return typeof value === 'number' && value < Number(wanted)
    case 'lte':
      return typeof value === 'number' && value <= Number(wanted)
    default:
      return false
  }
}

/** Undefined where the path leads nowhere. A name may hold dots itself. */
export function valueAt(event: unknown, path: string): unknown {
  let value: unknown = event
  for (const part of path.split('.')) {
    const step = /^([^[\]]*)((?:\[\d+\])*)$/.exec(part)
    if (step === null || typeof value !== 'object' || value === null) return undefined
    value = (value as Readonly<Record<string, unknown>>)[step[1]]
    for (const [, index] of step[2].matchAll(/\[(\d+)\]/g))
      value = Array.isArray(value) ? (value as readonly unknown[])[Number(index)] : undefined
  }
  return value
}

function isSame(left: unknown, right: unknown): boolean {
  return left === right || isDeepStrictEqual(left, right)
}
