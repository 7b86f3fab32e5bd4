import type { Attachment, Classifier, PortEntry } from '#chain/model/attachment.ts'
import { parsePrefix } from '#steering/flows/address.ts'
import type { Prefix } from '#steering/flows/flow.ts'
import { renderMac } from '#steering/flows/render.ts'

const PROTOCOLS = { tcp: 'tcp', udp: 'udp', icmp: '(icmp or icmp6)' } as const
/** Fragments have no ports but in the first: they are looked at whatever they are of. */
const FRAGMENTS = '(ip[6:2] & 0x3fff != 0) or (ip6[6] = 44)'

/**
 * What tcpdump is to keep of a mirrored port, as one pcap-filter(7) expression; empty: everything. Made of
 * numbers and closed names alone, as flows are.
 *
 * Which way a packet goes is told by the guest's MAC. A connection's ports are the server's, so packets of both
 * directions are kept.
 *
 * @param mac the guest's
 * @returns null when a remote is no address (the API refuses those)
 */
export function captureFilter(
  { direction, classifiers }: Pick<Attachment, 'direction' | 'classifiers'>,
  mac: bigint,
): string | null {
  const terms: string[] = []
  for (const classifier of classifiers) {
    const remote = classifier.remote === undefined ? undefined : parsePrefix(classifier.remote)
    if (remote === null) return null
    if (classifier.protocol === 'any' && remote === undefined) return ''
    terms.push(
      termOf(classifier, remote, mac, direction === 'ingress' ? 'dst' : 'src', false),
      termOf(classifier, remote, mac, direction === 'ingress' ? 'src' : 'dst', true),
    )
  }
  const hasPorts = classifiers.some(({ destinationPorts }) => destinationPorts !== 'any')
  return [...terms, ...(hasPorts ? [FRAGMENTS] : [])].join(' or ')
}

/** @param end which end of the frame the guest is */
function termOf(
  { protocol, destinationPorts }: Classifier,
  remote: Prefix | undefined,
  mac: bigint,
  end: 'src' | 'dst',
  isAnswer: boolean,
): string {
  const parts = [`ether ${end} ${renderMac(mac)}`]
  if (protocol !== 'any') parts.push(PROTOCOLS[protocol])
  if (remote !== undefined) parts.push(`${end === 'src' ? 'dst' : 'src'} net ${networkOf(remote)}`)
  if (destinationPorts !== 'any') {
    const side = isAnswer ? 'src' : 'dst'
    parts.push(`(${destinationPorts.map((entry) => portTerm(side, entry)).join(' or ')})`)
  }
  return `(${parts.join(' and ')})`
}

function portTerm(side: 'src' | 'dst', entry: PortEntry): string {
  return typeof entry === 'number'
    ? `${side} port ${entry}`
    : `${side} portrange ${entry.from}-${entry.to}`
}

function networkOf({ family, value, length }: Prefix): string {
  if (family === 4) {
    const octets = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n)
    return `${octets.join('.')}/${length}`
  }
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) =>
    ((value >> shift) & 0xffffn).toString(16),
  )
  return `${groups.join(':')}/${length}`
}
