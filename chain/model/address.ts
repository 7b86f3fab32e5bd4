import { type ParsedCidr, parseCidr } from './ip-address.ts'

/** An IPv4 or IPv6 prefix, host bits as written; a single address has the full length. */
export type Prefix = ParsedCidr

const BITS = { 4: 32, 6: 128 } as const

/**
 * An address or CIDR as people write it. Stricter than `parseCidr`: IPv4-mapped IPv6
 * (`::ffff:a.b.c.d`) and zone ids are refused, for they name something that has a plainer name.
 *
 * @returns null when the text is neither
 */
export function parsePrefix(text: string): Prefix | null {
  if (text.includes('%') || /\/0[0-9]/.test(text)) return null
  const parsed = parseCidr(text)
  return parsed?.family === 4 && text.includes(':') ? null : parsed
}

function hostMask(prefix: Prefix): bigint {
  return (1n << BigInt(BITS[prefix.family] - prefix.prefix)) - 1n
}

/** True when bits right of the prefix length are set: `10.0.0.5/24`. */
export function hasHostBits(prefix: Prefix): boolean {
  return (prefix.value & hostMask(prefix)) !== 0n
}

/** True when some address is in both. Prefixes of different families never overlap. */
export function prefixesOverlap(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family) return false
  const mask = hostMask(a.prefix < b.prefix ? a : b)
  return (a.value | mask) === (b.value | mask)
}

/** Text of the prefix with its host bits cleared, for "did you mean": `10.0.0.0/24`. */
export function networkText(prefix: Prefix): string {
  const value = prefix.value & ~hostMask(prefix)
  if (prefix.family === 4) {
    const octets = [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn))
    return `${octets.join('.')}/${prefix.prefix}`
  }
  const parts = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  )
  return `${compressed(parts)}/${prefix.prefix}`
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
  if (prefix.prefix >= 4 && prefix.family === 4 && top >> 4n === 14n) return 'is multicast'
  if (prefix.prefix >= 8 && prefix.family === 6 && top === 0xffn) return 'is multicast'
  if (prefix.prefix === bits && prefix.value === 0n) return 'is the unspecified address'
  if (prefix.prefix >= 8 && prefix.family === 4 && top === 127n) return 'is loopback'
  if (prefix.prefix === bits && prefix.family === 6 && prefix.value === 1n) return 'is loopback'
  if (prefix.prefix === bits && prefix.family === 4 && prefix.value === 0xffffffffn) {
    return 'is broadcast'
  }
  return null
}
