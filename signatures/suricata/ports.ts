/**
 * Port expressions of rule headers and of the variables they use.
 *
 *   port := ['!'] ( 'any' | '$' NAME | N | N ':' | ':' N | N ':' N | '[' port (',' port)* ']' )
 *
 * Lists mean what address lists mean (`address.ts`).
 */
import { MAX_ADDRESS_DEPTH, MAX_ADDRESS_ITEMS, splitList, variableName } from './address.ts'
import { RuleFault } from './problem.ts'

export type PortSpec =
  | { readonly kind: 'any' }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'range'; readonly first: number; readonly last: number }
  | { readonly kind: 'not'; readonly item: PortSpec }
  | { readonly kind: 'list'; readonly items: readonly PortSpec[] }

const ANY: PortSpec = { kind: 'any' }
const RANGE = /^(\d{0,5})\s*:\s*(\d{0,5})$/

/** @throws RuleFault `bad-port` */
export function parsePorts(text: string, depth = 0): PortSpec {
  if (depth > MAX_ADDRESS_DEPTH) throw new RuleFault('limit', 'port lists are nested too deeply')
  const trimmed = text.trim()
  if (trimmed === '') throw new RuleFault('bad-port', 'a port is empty')
  if (trimmed.startsWith('!')) {
    const item = parsePorts(trimmed.slice(1), depth + 1)
    if (item.kind === 'any') throw new RuleFault('bad-port', '"!any" can never match')
    return item.kind === 'not' ? item.item : { kind: 'not', item }
  }
  if (trimmed.startsWith('[')) {
    if (!trimmed.endsWith(']')) throw new RuleFault('bad-port', `no closing ] in "${trimmed}"`)
    const items = splitList(trimmed.slice(1, -1)).map((item) => parsePorts(item, depth + 1))
    if (items.length > MAX_ADDRESS_ITEMS)
      throw new RuleFault('limit', `more than ${MAX_ADDRESS_ITEMS} ports in one list`)
    return items.length === 1 ? items[0] : { kind: 'list', items }
  }
  if (trimmed.toLowerCase() === 'any') return ANY
  if (trimmed.startsWith('$')) return { kind: 'variable', name: variableName(trimmed.slice(1)) }
  if (/^\d{1,5}$/.test(trimmed)) return portRange(Number(trimmed), Number(trimmed), trimmed)
  const range = RANGE.exec(trimmed)
  if (range === null || trimmed === ':')
    throw new RuleFault('bad-port', `"${trimmed}" is not a port or a range of ports`)
  return portRange(
    range[1] === '' ? 0 : Number(range[1]),
    range[2] === '' ? 65_535 : Number(range[2]),
    trimmed,
  )
}

function portRange(first: number, last: number, text: string): PortSpec {
  if (first > 65_535 || last > 65_535)
    throw new RuleFault('bad-port', `"${text}": ports end at 65535`)
  if (first > last) throw new RuleFault('bad-port', `the range "${text}" ends before it begins`)
  return { kind: 'range', first, last }
}
