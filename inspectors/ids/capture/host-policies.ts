import { addressBytes } from '#signatures/suricata/address.ts'
import type { OsPolicy } from './os-policy.ts'

/** Hosts of one kind: addresses or networks with a prefix length. */
export interface HostPolicy {
  readonly policy: OsPolicy
  readonly networks: readonly string[]
}

interface Network {
  readonly policy: OsPolicy
  readonly base: string
  readonly bits: number
}

/** Kind of the host that an address belongs to: the longest prefix decides. */
export class HostPolicies {
  readonly #networks: readonly Network[]
  readonly #rest: OsPolicy

  /** Entries that are no address or network are left out. */
  constructor(hosts: readonly HostPolicy[], rest: OsPolicy = 'bsd') {
    this.#rest = rest
    this.#networks = hosts
      .flatMap(({ policy, networks }) =>
        networks.map((text): Network | null => networkOf(text, policy)),
      )
      .filter((network) => network !== null)
      .sort((left, right) => right.bits - left.bits)
  }

  /** @param address four or sixteen bytes, latin1 */
  of(address: string): OsPolicy {
    for (const { base, bits, policy } of this.#networks)
      if (base.length === address.length && isSamePrefix(base, address, bits)) return policy
    return this.#rest
  }
}

function networkOf(text: string, policy: OsPolicy): Network | null {
  const [address, prefix] = text.split('/', 2)
  const base = addressBytes(address)
  if (base === null) return null
  const bits = prefix === undefined ? base.length * 8 : Number(prefix)
  if (!Number.isInteger(bits) || bits < 0 || bits > base.length * 8) return null
  return { policy, base, bits }
}

function isSamePrefix(left: string, right: string, bits: number): boolean {
  const bytes = bits >> 3
  for (let at = 0; at < bytes; at += 1)
    if (left.charCodeAt(at) !== right.charCodeAt(at)) return false
  const rest = bits & 7
  if (rest === 0) return true
  const shift = 8 - rest
  return left.charCodeAt(bytes) >> shift === right.charCodeAt(bytes) >> shift
}
