/**
 * Address expressions of rule headers and of the variables they use.
 *
 *   address := ['!'] ( 'any' | '$' NAME | CIDR | IP | IP '-' IP | '[' address (',' address)* ']' )
 *
 * A list holds for an address that one of its positive items holds for (or that it has none of) and none
 * of its negated items does. Addresses are compared as byte strings (4 or 16 latin1 characters), so
 * one representation serves both families and a range check is two string comparisons.
 */
import { isIP } from 'node:net'
import { RuleFault } from './problem.ts'

/** Deepest nesting of lists and variables. */
export const MAX_ADDRESS_DEPTH = 16
/** Most items in one list. */
export const MAX_ADDRESS_ITEMS = 4096

export type AddressSpec =
  | { readonly kind: 'any' }
  | { readonly kind: 'variable'; readonly name: string }
  /** First and last address of the range; both of one family. */
  | { readonly kind: 'range'; readonly first: string; readonly last: string }
  | { readonly kind: 'not'; readonly item: AddressSpec }
  | { readonly kind: 'list'; readonly items: readonly AddressSpec[] }

const ANY: AddressSpec = { kind: 'any' }
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/

/** @throws RuleFault `bad-address` */
export function parseAddress(text: string, depth = 0): AddressSpec {
  if (depth > MAX_ADDRESS_DEPTH) throw new RuleFault('limit', 'address lists are nested too deeply')
  const trimmed = text.trim()
  if (trimmed === '') throw new RuleFault('bad-address', 'an address is empty')
  if (trimmed.startsWith('!')) {
    const item = parseAddress(trimmed.slice(1), depth + 1)
    if (item.kind === 'any') throw new RuleFault('bad-address', '"!any" can never match')
    return item.kind === 'not' ? item.item : { kind: 'not', item }
  }
  if (trimmed.startsWith('[')) {
    if (!trimmed.endsWith(']')) throw new RuleFault('bad-address', `no closing ] in "${trimmed}"`)
    const items = splitList(trimmed.slice(1, -1)).map((item) => parseAddress(item, depth + 1))
    if (items.length > MAX_ADDRESS_ITEMS)
      throw new RuleFault('limit', `more than ${MAX_ADDRESS_ITEMS} addresses in one list`)
    return items.length === 1 ? items[0] : { kind: 'list', items }
  }
  if (trimmed.toLowerCase() === 'any') return ANY
  if (trimmed.startsWith('$')) return { kind: 'variable', name: variableName(trimmed.slice(1)) }
  return parseRange(trimmed)
}

/** Splits at the commas outside brackets. */
export function splitList(text: string): string[] {
  const items: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '[') depth += 1
    else if (character === ']') depth -= 1
    else if (character === ',' && depth === 0) {
      items.push(text.slice(start, at))
      start = at + 1
    }
    if (depth < 0) throw new RuleFault('syntax', `unbalanced ] in "${text}"`)
  }
  if (depth !== 0) throw new RuleFault('syntax', `unbalanced [ in "${text}"`)
  items.push(text.slice(start))
  return items
}

export function variableName(text: string): string {
  if (!VARIABLE_NAME.test(text))
    throw new RuleFault('syntax', `"$${text}" is not a variable's name`)
  return text
}

/** Textual address to its bytes as latin1 (4 or 16 characters); null when it is none. */
export function addressBytes(text: string): string | null {
  if (!text.includes(':')) return ipv4Bytes(text)
  if (isIP(text) !== 6 || text.includes('%')) return null
  return ipv6Bytes(text)
}

/** Flows ask for two of them each, so it is read byte by byte. */
function ipv4Bytes(text: string): string | null {
  let address = 0
  let part = -1
  let dots = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x2e) {
      if (part < 0 || dots === 3) return null
      address = (address << 8) | part
      part = -1
      dots += 1
      continue
    }
    // A number does not begin with 0 unless it is 0.
    if (code < 0x30 || code > 0x39 || part === 0) return null
    part = (part < 0 ? 0 : part * 10) + code - 0x30
    if (part > 255) return null
  }
  if (part < 0 || dots !== 3) return null
  return String.fromCharCode(address >>> 16, (address >>> 8) & 0xff, address & 0xff, part)
}

function ipv6Bytes(text: string): string | null {
  let source = text
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(source)
  if (dotted !== null) {
    const parts = dotted[2].split('.').map(Number)
    source = `${dotted[1]}${((parts[0] << 8) | parts[1]).toString(16)}:${((parts[2] << 8) | parts[3]).toString(16)}`
  }
  const halves = source.split('::')
  const head = halves[0] === '' ? [] : halves[0].split(':')
  const tail = halves.length < 2 || halves[1] === '' ? [] : halves[1].split(':')
  const gap = 8 - head.length - tail.length
  if (gap < 0 || (halves.length < 2 && gap !== 0)) return null
  const groups = [...head, ...Array<string>(gap).fill('0'), ...tail]
  return groups
    .map((group) => {
      const value = Number.parseInt(group, 16)
      return String.fromCharCode(value >> 8, value & 0xff)
    })
    .join('')
}

function parseRange(text: string): AddressSpec {
  const slash = text.indexOf('/')
  if (slash >= 0) return parseCidr(text, slash)
  const dash = text.indexOf('-')
  const first = addressBytes(dash < 0 ? text : text.slice(0, dash).trim())
  const last = dash < 0 ? first : addressBytes(text.slice(dash + 1).trim())
  if (first === null || last === null || first.length !== last.length)
    throw new RuleFault('bad-address', `"${text}" is not an IP address, network or range`)
  if (first > last) throw new RuleFault('bad-address', `the range "${text}" ends before it begins`)
  return { kind: 'range', first, last }
}

function parseCidr(text: string, slash: number): AddressSpec {
  const base = addressBytes(text.slice(0, slash))
  const suffix = text.slice(slash + 1)
  if (base === null) throw new RuleFault('bad-address', `"${text}" is not a network`)
  const bits = prefixLength(suffix, base.length)
  if (bits === null)
    throw new RuleFault('bad-address', `"/${suffix}" is not a prefix length for "${text}"`)
  let first = ''
  let last = ''
  for (let index = 0; index < base.length; index += 1) {
    const kept = Math.max(0, Math.min(8, bits - index * 8))
    const mask = (0xff << (8 - kept)) & 0xff
    const byte = base.charCodeAt(index)
    first += String.fromCharCode(byte & mask)
    last += String.fromCharCode((byte & mask) | (~mask & 0xff))
  }
  return { kind: 'range', first, last }
}

/** `24`, or a dotted netmask for IPv4. */
function prefixLength(suffix: string, bytes: number): number | null {
  if (/^\d{1,3}$/.test(suffix)) {
    const bits = Number(suffix)
    return bits <= bytes * 8 ? bits : null
  }
  if (bytes !== 4 || isIP(suffix) !== 4) return null
  const mask = suffix
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('')
  return /^1*0*$/.test(mask) ? mask.lastIndexOf('1') + 1 : null
}
