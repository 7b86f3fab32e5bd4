import { isIP } from 'node:net'
import type { Prefix } from './flow.ts'

/**
 * An address or CIDR as numbers.
 *
 * @param text `10.0.0.1`, `10.0.0.0/8`, `fd00::1`, `fd00::/8`; host bits are cleared
 * @returns null when it is none of these
 */
export function parsePrefix(text: string): Prefix | null {
  const slash = text.indexOf('/')
  const address = slash === -1 ? text : text.slice(0, slash)
  const family = isIP(address)
  if (family !== 4 && family !== 6) return null
  if (address.includes('%')) return null
  const bits = family === 4 ? 32 : 128
  const suffix = slash === -1 ? String(bits) : text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(suffix)) return null
  const length = Number(suffix)
  if (length > bits) return null
  const value = family === 4 ? parseV4(address) : parseV6(address)
  const host = BigInt(bits - length)
  return { family, value: (value >> host) << host, length }
}

/** True when every address of `inner` is in `outer`. */
export function contains(outer: Prefix, inner: Prefix): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false
  const host = BigInt((outer.family === 4 ? 32 : 128) - outer.length)
  return inner.value >> host === outer.value >> host
}

/** A MAC address as a number, or null. */
export function parseMac(text: string): bigint | null {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
    ? BigInt(`0x${text.replaceAll(':', '')}`)
    : null
}

function parseV4(text: string): bigint {
  let value = 0n
  for (const octet of text.split('.')) value = (value << 8n) | BigInt(octet)
  return value
}

/** @param text an IPv6 address that `isIP` has accepted, embedded IPv4 included */
function parseV6(text: string): bigint {
  let whole = text
  const lastColon = text.lastIndexOf(':')
  if (text.includes('.')) {
    const v4 = parseV4(text.slice(lastColon + 1))
    whole = `${text.slice(0, lastColon + 1)}${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`
  }
  const [head = '', tail] = whole.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after]
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}
