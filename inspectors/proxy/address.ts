const V4_MAPPED = '::ffff:'

/** IPv4 text of a v4-mapped IPv6 address as a dual-stack socket reports it; others as they are. */
export function plainAddress(address: string): string {
  return address.startsWith(V4_MAPPED) && address.includes('.')
    ? address.slice(V4_MAPPED.length)
    : address
}
