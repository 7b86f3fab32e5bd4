/** Protocol of a rule header: what carries it and, for application protocols, its name. */
export interface Protocol {
  readonly name: string
  readonly transport: 'tcp' | 'udp' | 'icmp' | 'ip' | 'any'
  /** Null for network and transport protocols. */
  readonly application: string | null
  /** `tcp-pkt`, `tcp-stream`: payload of single packets, or of the reassembled stream alone. */
  readonly payload: 'packet' | 'stream' | 'both'
}

type Transport = Protocol['transport']

const TRANSPORTS: readonly (readonly [string, Transport, Protocol['payload']])[] = [
  ['ip', 'ip', 'both'],
  ['ipv4', 'ip', 'both'],
  ['ip4', 'ip', 'both'],
  ['ipv6', 'ip', 'both'],
  ['ip6', 'ip', 'both'],
  ['tcp', 'tcp', 'both'],
  ['tcp-pkt', 'tcp', 'packet'],
  ['tcp-stream', 'tcp', 'stream'],
  ['udp', 'udp', 'packet'],
  ['icmp', 'icmp', 'packet'],
  ['icmpv4', 'icmp', 'packet'],
  ['icmpv6', 'icmp', 'packet'],
  ['sctp', 'ip', 'packet'],
  ['igmp', 'ip', 'packet'],
  ['pkthdr', 'ip', 'packet'],
  ['ether', 'ip', 'packet'],
  ['arp', 'ip', 'packet'],
]

const APPLICATIONS: readonly (readonly [string, Transport])[] = [
  ['http', 'tcp'],
  ['http1', 'tcp'],
  ['http2', 'tcp'],
  ['tls', 'tcp'],
  ['ssl', 'tcp'],
  ['quic', 'udp'],
  ['ftp', 'tcp'],
  ['ftp-data', 'tcp'],
  ['smb', 'tcp'],
  ['dns', 'any'],
  ['doh2', 'tcp'],
  ['mdns', 'udp'],
  ['dcerpc', 'any'],
  ['ldap', 'any'],
  ['dhcp', 'udp'],
  ['ssh', 'tcp'],
  ['smtp', 'tcp'],
  ['imap', 'tcp'],
  ['pop3', 'tcp'],
  ['modbus', 'tcp'],
  ['dnp3', 'tcp'],
  ['enip', 'any'],
  ['nfs', 'any'],
  ['ike', 'udp'],
  ['krb5', 'any'],
  ['bittorrent-dht', 'udp'],
  ['mqtt', 'tcp'],
  ['ntp', 'udp'],
  ['rfb', 'tcp'],
  ['rdp', 'tcp'],
  ['snmp', 'udp'],
  ['tftp', 'udp'],
  ['sip', 'any'],
  ['telnet', 'tcp'],
  ['websocket', 'tcp'],
  ['pgsql', 'tcp'],
  ['llmnr', 'udp'],
]

const TABLE = new Map<string, Protocol>([
  ...TRANSPORTS.map(([name, transport, payload]): [string, Protocol] => [
    name,
    { name, transport, application: null, payload },
  ]),
  ...APPLICATIONS.map(([name, transport]): [string, Protocol] => [
    name,
    { name, transport, application: name === 'ssl' ? 'tls' : name, payload: 'both' },
  ]),
])

/** Row of a protocol's name as written in a rule header; null when there is none. */
export function protocolByName(name: string): Protocol | null {
  return TABLE.get(name.toLowerCase()) ?? null
}

export const PROTOCOL_NAMES: readonly string[] = [...TABLE.keys()]

/** True when `name` is an application protocol (`app-layer-protocol`). */
export function isApplicationProtocol(name: string): boolean {
  return TABLE.get(name)?.application !== null && TABLE.has(name)
}

/**
 * True when a rule bound to `wanted` may run on a flow that speaks `spoken`: `http` covers its two versions, and what is
 * found to be `http` by its bytes is version 1.
 */
export function coversApplication(wanted: string, spoken: string): boolean {
  if (wanted === spoken) return true
  if (wanted === 'http1') return spoken === 'http'
  return wanted === 'http' && (spoken === 'http1' || spoken === 'http2')
}
