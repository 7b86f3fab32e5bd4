import { parseMac, parsePrefix } from './address.ts'
import type { DesiredAttachment, DesiredPort, DesiredSteering } from './desired.ts'
import type { Prefix } from './flow.ts'
import { MAX_ADDRESS_SHARERS } from './pipeline-flows.ts'
import type { SteeredAttachment, SteeredClassifier, SteeredPort, SteeredState } from './steered.ts'

/** Largest OpenFlow port number and VLAN id of a real port. */
const MAX_OFPORT = 65_279
const MAX_VLAN = 4094

/** Ids that the controller keeps: the resolver only asks. */
export interface Ids {
  /** First conntrack zone of a port. */
  zonesOf(port: string): number
  numberOf(attachment: string): number
  isLearning(attachment: string): boolean
  /** A worker of the domain accepts connections. */
  isListening(domain: string): boolean
}

export interface Resolved {
  readonly state: SteeredState
  readonly refused: readonly { readonly attachment: string; readonly reason: string }[]
}

/**
 * Turns what is wanted into what the compiler takes. An attachment that cannot be enforced is refused
 * with its reason and left out; the others go on.
 */
export function resolve(
  desired: DesiredSteering,
  options: { readonly firstTable: number; readonly entryPriority: number },
  ids: Ids,
): Resolved {
  const domains = new Map(
    desired.domains.flatMap((domain) => {
      const mac = parseMac(domain.mac)
      return mac === null || !isOfport(domain.ofport)
        ? []
        : [
            [
              domain.key,
              {
                key: domain.key,
                ofport: domain.ofport,
                mac,
                isListening: ids.isListening(domain.key),
              },
            ] as const,
          ]
    }),
  )
  const refused: { attachment: string; reason: string }[] = []
  const sharers = countSharers(desired.ports)
  const withDatagrams = new Set(
    desired.attachments.filter(wantsDatagrams).map((attachment) => attachment.port),
  )
  const ports = new Map<string, SteeredPort | string>()
  for (const port of desired.ports) {
    const inspector = domains.get(port.domain)?.ofport
    const steered = steeredPort(port, inspector, sharers, ids)
    const hasDatagrams = withDatagrams.has(port.key)
    ports.set(port.key, typeof steered === 'string' ? steered : { ...steered, hasDatagrams })
  }
  const attachments: SteeredAttachment[] = []
  for (const attachment of desired.attachments) {
    const port = ports.get(attachment.port) ?? 'its port is not given'
    const steered = typeof port === 'string' ? port : steeredAttachment(attachment, port, ids)
    if (typeof steered === 'string') refused.push({ attachment: attachment.key, reason: steered })
    else attachments.push(steered)
  }
  const used = new Set(attachments.map((attachment) => attachment.port))
  const usedPorts = [...ports.values()].filter((port) => typeof port !== 'string' && used.has(port))
  return {
    refused,
    state: {
      ...options,
      generation: desired.generation,
      domains: [...domains.values()],
      ports: usedPorts as SteeredPort[],
      attachments,
      switchPorts: desired.switchPorts.filter(
        (port) => isOfport(port.ofport) && (port.vlan === null || isVlan(port.vlan)),
      ),
    },
  }
}

function steeredPort(
  port: DesiredPort,
  inspector: number | undefined,
  sharers: ReadonlyMap<string, number>,
  ids: Ids,
): Omit<SteeredPort, 'hasDatagrams'> | string {
  if (inspector === undefined) return 'its inspection domain is not in the switch'
  if (!isOfport(port.ofport)) return `${port.ofport} is no OpenFlow port`
  if (port.vlan !== null && !isVlan(port.vlan)) return `${port.vlan} is no VLAN`
  const mac = parseMac(port.mac)
  if (mac === null || mac === 0n) return 'the MAC address of its port is not known'
  const addresses: Prefix[] = []
  for (const text of port.addresses) {
    const prefix = parsePrefix(text)
    if (prefix === null) return `its port has an address that is none: ${text}`
    if ((sharers.get(`${port.domain} ${text}`) ?? 0) > MAX_ADDRESS_SHARERS)
      return `more than ${MAX_ADDRESS_SHARERS} attached ports share the address ${text}`
    addresses.push(prefix)
  }
  return {
    firstZone: ids.zonesOf(port.key),
    ofport: port.ofport,
    mac,
    vlan: port.vlan,
    addresses,
    inspector,
  }
}

function steeredAttachment(
  attachment: DesiredAttachment,
  port: SteeredPort,
  ids: Ids,
): SteeredAttachment | string {
  const classifiers: SteeredClassifier[] = []
  for (const classifier of attachment.classifiers) {
    const remote = classifier.remote === undefined ? null : parsePrefix(classifier.remote)
    if (remote === null && classifier.remote !== undefined)
      return `its classifier's remote is no address or CIDR: ${classifier.remote}`
    const { protocol, destinationPorts } = classifier
    if (protocol !== 'tcp' && protocol !== 'udp') return `${protocol} cannot be steered`
    classifiers.push({ protocol, destinationPorts, remote })
  }
  return {
    number: ids.numberOf(attachment.key),
    port,
    direction: attachment.direction,
    classifiers,
    priority: attachment.priority,
    onFailure: attachment.onFailure,
    isDraining: attachment.isDraining,
    isLearning: ids.isLearning(attachment.key),
  }
}

/** One that is detached concerns datagrams no more: each is judged by itself. */
const wantsDatagrams = ({ isDraining, classifiers }: DesiredAttachment): boolean =>
  !isDraining && classifiers.some(({ protocol }) => protocol === 'udp')

/** How many ports of a domain have the same address, by domain and text. */
function countSharers(ports: readonly DesiredPort[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const port of ports)
    for (const text of new Set(port.addresses)) {
      const key = `${port.domain} ${text}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  return counts
}

const isOfport = (value: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= MAX_OFPORT
const isVlan = (value: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= MAX_VLAN
