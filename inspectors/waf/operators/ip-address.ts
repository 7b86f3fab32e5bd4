/**
 * Reads an IP address as `inet_pton` does:
 * ```
 * v4 := number{1,3} ('.' number{1,3}){3}                      each 0 to 255
 * v6 := eight groups of hex{1,4} between ':', one run of zero groups may be '::',
 *       the last two groups may be a v4 address
 * ```
 * @returns 4 or 16 bytes, or null
 */
export function parseIpAddress(text: string): Uint8Array | null {
  return text.includes(':') ? parseV6(text) : parseV4(text)
}

const V4_PART = /^(?:0|[1-9]\d{0,2})$/
const V6_GROUP = /^[0-9a-fA-F]{1,4}$/
/** Longest text an address can have. */
const MAX_ADDRESS_BYTES = 45

function parseV4(text: string): Uint8Array | null {
  if (text.length > MAX_ADDRESS_BYTES) return null
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const bytes = new Uint8Array(4)
  for (const [index, part] of parts.entries()) {
    const number = Number(part)
    if (!V4_PART.test(part) || number > 255) return null
    bytes[index] = number
  }
  return bytes
}

function parseV6(text: string): Uint8Array | null {
  if (text.length > MAX_ADDRESS_BYTES) return null
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = groupsOf(halves[0], halves.length === 1)
  const tail = halves.length === 2 ? groupsOf(halves[1], true) : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const bytes = new Uint8Array(16)
  head.forEach((group, index) => setGroup(bytes, index, group))
  tail.forEach((group, index) => setGroup(bytes, 8 - tail.length + index, group))
  return bytes
}

function setGroup(bytes: Uint8Array, index: number, group: number): void {
  bytes[index * 2] = group >> 8
  bytes[index * 2 + 1] = group & 0xff
}

/** @param mayEndInV4 this half holds the end of the address */
function groupsOf(half: string, mayEndInV4: boolean): number[] | null {
  if (half === '') return []
  const groups: number[] = []
  const parts = half.split(':')
  for (const [index, part] of parts.entries()) {
    if (V6_GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const v4 = mayEndInV4 && index === parts.length - 1 ? parseV4(part) : null
    if (v4 === null) return null
    groups.push((v4[0] << 8) | v4[1], (v4[2] << 8) | v4[3])
  }
  return groups
}

/** A network: an address and how many of its bits count. */
export interface Network {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** Reads `address` or `address/bits`; null when it is neither. */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf('/')
  const bytes = parseIpAddress(slash < 0 ? text : text.slice(0, slash))
  if (bytes === null) return null
  if (slash < 0) return { bytes, bits: bytes.length * 8 }
  const mask = text.slice(slash + 1)
  const bits = Number(mask)
  return /^\d{1,3}$/.test(mask) && bits <= bytes.length * 8 ? { bytes, bits } : null
}

/** True when the address lies in the network; families never mix. */
export function isInNetwork(address: Uint8Array, network: Network): boolean {
  const { bytes, bits } = network
  if (address.length !== bytes.length) return false
  const whole = bits >> 3
  for (let index = 0; index < whole; index += 1) {
    if (address[index] !== bytes[index]) return false
  }
  const rest = bits & 7
  return rest === 0 || (address[whole] ^ bytes[whole]) >> (8 - rest) === 0
}
