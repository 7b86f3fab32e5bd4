import { createHash } from 'node:crypto'

/**
 * Names of what a domain has on the machine. They are derived, so that a restarted agent finds its own
 * and never touches another's:
 *
 *   interface  pc IIII DDDDDDDDD                (15 characters, the kernel's limit)
 *   namespace  portcullis-IIII-DDDDDDDDD
 *
 * IIII is the agent's instance (host name and switch), DDDDDDDDD the tenant's network: 20 and 45 bits of
 * SHA-256 in base 32. Tenants choose network names, so a collision can be made on purpose; who creates
 * domains must refuse the second of two networks with one name (`NAME_COLLISION`).
 */
export interface DomainNames {
  /** Agent instance, four characters. */
  readonly instance: string
  /** Host end of the veth pair, the port in the bridge. */
  readonly portName: string
  readonly namespace: string
  /** Name of the domain's folders under the run and spool folders. */
  readonly folder: string
  /** MAC of `eth0` in the namespace: locally administered, stable over restarts. */
  readonly mac: string
  /** The next hop that does not exist; the switch puts the real address in. */
  readonly nextHopMac: string
}

export interface DomainKey {
  readonly tenant: string
  readonly network: string
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const INSTANCE_CHARACTERS = 4
const DOMAIN_CHARACTERS = 9

export const NAMESPACE_PREFIX = 'portcullis-'
export const PORT_PREFIX = 'pc'

/**
 * @param host   name of the agent's host
 * @param ovsdb  address of the switch's database: two agents on one machine differ in one of the two
 */
export function instanceId(host: string, ovsdb: string): string {
  return base32(digest('instance', host, ovsdb), INSTANCE_CHARACTERS)
}

export function domainNames(instance: string, key: DomainKey): DomainNames {
  const hash = digest('domain', key.tenant, key.network)
  const domain = base32(hash, DOMAIN_CHARACTERS)
  const mac = digest('mac', instance, key.tenant, key.network)
  return {
    instance,
    portName: `${PORT_PREFIX}${instance}${domain}`,
    namespace: `${NAMESPACE_PREFIX}${instance}-${domain}`,
    folder: `${instance}-${domain}`,
    mac: locallyAdministered(mac.subarray(0, 6)),
    nextHopMac: locallyAdministered(mac.subarray(6, 12)),
  }
}

/**
 * Of a tap: as a domain's, but that the name begins with a digit that base 32 does not have, so that no network
 * can derive it.
 */
export function tapNames(instance: string, tenant: string, attachment: string): DomainNames {
  const name = `1${base32(digest('tap', tenant, attachment), DOMAIN_CHARACTERS - 1)}`
  const mac = digest('tap mac', instance, tenant, attachment)
  return {
    instance,
    portName: `${PORT_PREFIX}${instance}${name}`,
    namespace: `${NAMESPACE_PREFIX}${instance}-${name}`,
    folder: `${instance}-${name}`,
    mac: locallyAdministered(mac.subarray(0, 6)),
    nextHopMac: locallyAdministered(mac.subarray(6, 12)),
  }
}

/** `TENANT/NETWORK`: the domain's id in configuration, logs and alerts. */
export function domainId(key: DomainKey): string {
  return `${key.tenant}/${key.network}`
}

function digest(...parts: readonly string[]): Buffer {
  return createHash('sha256').update(parts.join('\0')).digest()
}

function base32(bytes: Buffer, characters: number): string {
  let text = ''
  let bits = 0n
  for (const byte of bytes.subarray(0, 8)) bits = (bits << 8n) | BigInt(byte)
  for (let index = 0; index < characters; index++) {
    text += BASE32[Number(bits & 31n)]
    bits >>= 5n
  }
  return text
}

/** Unicast, locally administered: second hexadecimal digit 2. */
function locallyAdministered(bytes: Buffer): string {
  const octets = Buffer.from(bytes)
  octets[0] = ((octets[0] ?? 0) & 0xfc) | 0x02
  return [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(':')
}
