import { isIPv4, isIPv6 } from 'node:net'

/** An IPv4 or IPv6 prefix; a single address has the full length. */
export interface Prefix {
  readonly family: 4 | 6
  /** The address as a number, host bits as written. */
  readonly value: bigint
  readonly length: number
}

const BITS = { 4: 32, 6: 128 } as const

/**
 * An address or CIDR as people write it. IPv4-mapped IPv6 (`::ffff:a.b.c.d`) and zone ids are refused:
 * they name something that has another, plainer name.
 *
 * @returns null when the text is neither
 */
export function parsePrefix(text: string): Prefix | null {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const parsed = parseAddress(address)
  if (parsed === null) return null
  const bits = BITS[parsed.family]
  if (slash < 0) return { ...parsed, length: bits }
  const lengthText = text.slice(slash + 1)
  if (!/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return null
  const length = Number(lengthText)
  return length <= bits ? { ...parsed, length } : null
}

function parseAddress(text: string): { family: 4 | 6; value: bigint } | null {
  if (isIPv4(text)) return { family: 4, value: ipv4Value(text) }
  if (!isIPv6(text) || text.includes('%')) return null
  const value = ipv6Value(text)
  return value >> 32n === 0xffffn ? null : { family: 6, value }
}

function ipv4Value(text: string): bigint {
  return text.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n)
}

/** `text` is known to be valid IPv6 (RFC 4291 section 2.2), possibly with a dotted tail. */
function ipv6Value(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const gap = 8 - left.length - right.length
  const all = [...left, ...Array<bigint>(Math.max(gap, 0)).fill(0n), ...right]
  return all.reduce((value, group) => (value << 16n) | group, 0n)
}

function groups(part: string): bigint[] {
  if (part === '') return []
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)]
    const value = ipv4Value(group)
    return [value >> 16n, value & 0xffffn]
  })
}

function hostMask(prefix: Prefix): bigint {
  return (1n << BigInt(BITS[prefix.family] - prefix.length)) - 1n
}

/** True when bits right of the prefix length are set: `10.0.0.5/24`. */
export function hasHostBits(prefix: Prefix): boolean {
  return (prefix.value & hostMask(prefix)) !== 0n
}

/** True when some address is in both. Prefixes of different families never overlap. */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family) return false
  const mask = hostMask(a.length < b.length ? a : b)
  return (a.value | mask) === (b.value | mask)
}

/** Text of the prefix with its host bits cleared, for "did you mean": `10.0.0.0/24`. */
export function networkText(prefix: Prefix): string {
  const value = prefix.value & ~hostMask(prefix)
  if (prefix.family === 4) {
    const octets = [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn))
    return `${octets.join('.')}/${prefix.length}`
  }
  const parts = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  )
  return `${compressed(parts)}/${prefix.length}`
}

/** RFC 5952: the longest run of zero groups (two or more) becomes `::`. */
function compressed(parts: readonly string[]): string {
  let best = { start: -1, length: 1 }
  for (let start = 0; start < parts.length; start++) {
    let length = 0
    while (parts[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  if (best.start < 0) return parts.join(':')
  return `${parts.slice(0, best.start).join(':')}::${parts.slice(best.start + best.length).join(':')}`
}

/** Why no TCP connection can have this address at an end, or null when one can. */
export function unusableAddress(prefix: Prefix): string | null {
  const bits = BITS[prefix.family]
  const top = prefix.value >> BigInt(bits - 8)
  if (prefix.length >= 4 && prefix.family === 4 && top >> 4n === 14n) return 'is multicast'
  if (prefix.length >= 8 && prefix.family === 6 && top === 0xffn) return 'is multicast'
  if (prefix.length === bits && prefix.value === 0n) return 'is the unspecified address'
  if (prefix.length >= 8 && prefix.family === 4 && top === 127n) return 'is loopback'
  if (prefix.length === bits && prefix.family === 6 && prefix.value === 1n) return 'is loopback'
  if (prefix.length === bits && prefix.family === 4 && prefix.value === 0xffffffffn) {
    return 'is broadcast'
  }
  return null
}
