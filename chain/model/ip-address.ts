/**
 * IP addresses as keys and numbers, without I/O: ports name theirs as text, sockets report theirs as
 * text, and both must meet in one canonical form.
 */

export interface ParsedAddress {
  readonly family: 4 | 6
  /** 32 or 128 bits. */
  readonly value: bigint
}

export interface ParsedCidr extends ParsedAddress {
  /** Length of the prefix in bits of its own family. */
  readonly prefix: number
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/

function parseIPv4(text: string): bigint | null {
  const match = IPV4.exec(text)
  if (match === null) return null
  let value = 0n
  for (let part = 1; part <= 4; part++) {
    const digits = match[part]
    const octet = Number(digits)
    // A leading zero is octal to some readers and decimal to others: refused.
    if (octet > 255 || (digits.length > 1 && digits[0] === '0')) return null
    value = (value << 8n) | BigInt(octet)
  }
  return value
}

/** 16-bit groups of one side of `::`; a dotted quad may be the last. */
function parseGroups(text: string): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const quad = index === parts.length - 1 ? parseIPv4(part) : null
      if (quad === null) return null
      groups.push(Number(quad >> 16n), Number(quad & 0xffffn))
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return null
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups
}

function parseIPv6(text: string): bigint | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = parseGroups(halves[0])
  const tail = halves.length === 2 ? parseGroups(halves[1]) : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  let value = 0n
  for (const group of [...head, ...Array<number>(missing).fill(0), ...tail]) {
    value = (value << 16n) | BigInt(group)
  }
  return value
}

/**
 * @param text IPv4 or IPv6 address; a zone (`%eth0`) is cut off and a v4-mapped address is IPv4
 * @returns null when the text is no address
 */
export function parseAddress(text: string): ParsedAddress | null {
  const v4 = parseIPv4(text)
  if (v4 !== null) return { family: 4, value: v4 }
  if (!text.includes(':')) return null
  const zone = text.indexOf('%')
  const v6 = parseIPv6(zone === -1 ? text : text.slice(0, zone))
  if (v6 === null) return null
  if (v6 >> 32n === 0xffffn) return { family: 4, value: v6 & 0xffff_ffffn }
  return { family: 6, value: v6 }
}

/** `address` or `address/prefix`; bits beyond the prefix are ignored. Null when it is neither. */
export function parseCidr(text: string): ParsedCidr | null {
  const slash = text.indexOf('/')
  const address = parseAddress(slash === -1 ? text : text.slice(0, slash))
  if (address === null) return null
  const bits = address.family === 4 ? 32 : 128
  if (slash === -1) return { ...address, prefix: bits }
  const digits = text.slice(slash + 1)
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > bits) return null
  return { ...address, prefix: Number(digits) }
}

export function cidrContains(cidr: ParsedCidr, address: ParsedAddress): boolean {
  if (cidr.family !== address.family) return false
  const shift = BigInt((cidr.family === 4 ? 32 : 128) - cidr.prefix)
  return cidr.value >> shift === address.value >> shift
}

/** One string per address, whatever its spelling: for `Map` keys, not for people. */
export function addressKey(address: ParsedAddress): string {
  return `${address.family}:${address.value.toString(16)}`
}
