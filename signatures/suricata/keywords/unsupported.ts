/**
 * Names of the language that are known and not enforced. A rule that uses one is rejected whole, and
 * counted under the keyword, so that an operator sees what a set would need.
 */
const NAMES = new Set([
  'app-layer-state',
  'asn1',
  'bypass',
  'domain',
  'filemagic',
  'flow.elephant',
  'frame',
  'ftpbounce',
  'geoip',
  'ike.chosen_sa_attribute',
  'iprep',
  'l3_proto',
  'lua',
  'luajit',
  'luaxform',
  'nfq_set_mark',
  'replace',
  'rpc',
  'ssh.hassh',
  'ssh.hassh.server',
  'ssh.hassh.server.string',
  'ssh.hassh.string',
  'tcp.session',
  'tld',
  'tls.store',
])

/** Why, where more can be said than that the keyword is not enforced. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['asn1', 'ASN.1 is not read'],
  ['domain', 'it needs the public suffix list'],
  ['filemagic', 'it needs the data base of libmagic'],
  ['geoip', 'it needs a GeoIP data base'],
  ['iprep', 'there are no reputation lists'],
  ['lua', 'scripts are not run'],
  ['luajit', 'scripts are not run'],
  ['luaxform', 'scripts are not run'],
  ['nfq_set_mark', 'there is no netfilter queue'],
  ['replace', 'traffic is not changed'],
  ['rpc', 'RPC is not read'],
  ['tld', 'it needs the public suffix list'],
  ['tls.store', 'certificates are not stored'],
])

const PREFIXES = [
  'dnp3',
  'enip',
  'ftp',
  'http2.',
  'ike.',
  'krb5',
  'ldap.',
  'mdns.',
  'modbus',
  'mqtt.',
  'nfs',
  'pgsql.',
  'quic.',
  'rfb.',
  'sip.',
  'smb.',
  'smtp.',
  'snmp.',
  'websocket.',
  'cip_',
  'dhcp.',
  'email.',
  'igmp.',
  'arp.',
]

export function isUnsupported(name: string): boolean {
  return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix))
}

/** Why the keyword is not enforced, for the report. */
export function unsupportedReason(name: string): string {
  const reason = REASONS.get(name)
  return reason === undefined ? `${name} is not enforced` : `${name} is not enforced: ${reason}`
}
