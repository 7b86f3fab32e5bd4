import type { Attachment, Classifier, ClassifierProtocol } from './attachment.ts'
import { addressKey, cidrContains, parseAddress, parseCidr } from './ip-address.ts'
import type { ParsedAddress, ParsedCidr } from './ip-address.ts'
import type { Port } from './port.ts'

/**
 * Which attachments a connection runs through: the egress attachment of the client's port and the
 * ingress attachment of the server's. Built once per configuration; a lookup costs two `Map` reads and
 * the classifiers of two ports. The order is total, so every process comes to the same answer: higher
 * priority first, then the lower id.
 */

interface CompiledClassifier {
  readonly protocol: ClassifierProtocol
  readonly ports: readonly { readonly from: number; readonly to: number }[] | 'any'
  /** Null: any far side. */
  readonly remote: ParsedCidr | null
}

interface CompiledAttachment {
  readonly attachment: Attachment
  readonly port: Port
  readonly classifiers: readonly CompiledClassifier[]
}

interface PortAttachments {
  /** Sorted: the first that matches wins. */
  readonly ingress: CompiledAttachment[]
  readonly egress: CompiledAttachment[]
}

interface AddressBlock {
  readonly cidr: ParsedCidr
  readonly entries: PortAttachments
}

/** Made by `indexAttachments`, read by `resolveAttachments` alone. */
export interface AttachmentIndex {
  readonly byAddress: ReadonlyMap<string, PortAttachments>
  /** Allowed address pairs that are networks, longest prefix first. */
  readonly blocks: readonly AddressBlock[]
}

/** An attachment with the port it is on. */
export interface ResolvedHop {
  readonly attachment: Attachment
  readonly port: Port
}

export interface ResolvedAttachments {
  readonly egress: ResolvedHop | null
  readonly ingress: ResolvedHop | null
}

function compileClassifier(classifier: Classifier): CompiledClassifier {
  const remote = classifier.remote === undefined ? null : parseCidr(classifier.remote)
  if (classifier.remote !== undefined && remote === null) {
    throw new TypeError(`classifier remote ${JSON.stringify(classifier.remote)} is no CIDR`)
  }
  return {
    protocol: classifier.protocol,
    remote,
    ports:
      classifier.destinationPorts === 'any'
        ? 'any'
        : classifier.destinationPorts.map((entry) =>
            typeof entry === 'number' ? { from: entry, to: entry } : entry,
          ),
  }
}

function matches(
  compiled: CompiledAttachment,
  remote: ParsedAddress,
  serverPort: number,
  protocol: ClassifierProtocol,
): boolean {
  for (const { protocol: wanted, ports, remote: cidr } of compiled.classifiers) {
    if (wanted !== protocol) continue
    if (cidr !== null && !cidrContains(cidr, remote)) continue
    if (ports === 'any') return true
    for (const range of ports) if (serverPort >= range.from && serverPort <= range.to) return true
  }
  return false
}

const byPrecedence = (a: CompiledAttachment, b: CompiledAttachment): number =>
  b.attachment.priority - a.attachment.priority ||
  (a.attachment.id < b.attachment.id ? -1 : Number(a.attachment.id > b.attachment.id))

/**
 * @param ports the ports of ONE network: addresses are unique only there
 * @param attachments those whose port is not among `ports` are left out
 * @throws TypeError for an address or CIDR that does not parse (the API refuses those)
 */
export function indexAttachments(
  ports: readonly Port[],
  attachments: readonly Attachment[],
): AttachmentIndex {
  const byAddress = new Map<string, PortAttachments>()
  const blocks = new Map<string, AddressBlock>()
  const inline = attachments.filter(({ mode }) => mode !== 'tap')
  const attachmentsOf = Map.groupBy(inline, (attachment) => attachment.port)

  const entriesOf = (address: string): PortAttachments => {
    const cidr = parseCidr(address)
    if (cidr === null) throw new TypeError(`port address ${JSON.stringify(address)} is no address`)
    const key = addressKey(cidr)
    if (cidr.prefix === (cidr.family === 4 ? 32 : 128)) {
      const found = byAddress.get(key) ?? { ingress: [], egress: [] }
      byAddress.set(key, found)
      return found
    }
    const blockKey = `${key}/${cidr.prefix}`
    const block = blocks.get(blockKey) ?? { cidr, entries: { ingress: [], egress: [] } }
    blocks.set(blockKey, block)
    return block.entries
  }

  for (const port of ports) {
    const compiled = (attachmentsOf.get(port.id) ?? []).map((attachment) => ({
      attachment,
      port,
      classifiers: attachment.classifiers.map(compileClassifier),
    }))
    for (const address of new Set(port.addresses)) {
      const entries = entriesOf(address)
      for (const one of compiled) entries[one.attachment.direction].push(one)
    }
  }
  const sortedBlocks = [...blocks.values()].sort((a, b) => b.cidr.prefix - a.cidr.prefix)
  for (const entries of [...byAddress.values(), ...sortedBlocks.map((block) => block.entries)]) {
    entries.ingress.sort(byPrecedence)
    entries.egress.sort(byPrecedence)
  }
  return { byAddress, blocks: sortedBlocks }
}

function findHop(
  index: AttachmentIndex,
  direction: 'ingress' | 'egress',
  own: ParsedAddress,
  remote: ParsedAddress,
  serverPort: number,
  protocol: ClassifierProtocol,
): ResolvedHop | null {
  const exact = index.byAddress.get(addressKey(own))
  if (exact !== undefined) {
    for (const one of exact[direction]) if (matches(one, remote, serverPort, protocol)) return one
  }
  for (const { cidr, entries } of index.blocks) {
    if (!cidrContains(cidr, own)) continue
    for (const one of entries[direction]) if (matches(one, remote, serverPort, protocol)) return one
  }
  return null
}

/**
 * @param clientAddress who sent the SYN, as a socket reports it (v4-mapped is IPv4)
 * @param serverAddress whom it was sent to
 * @param serverPort    port of the server
 * @returns both null: no attachment of these ports covers the connection
 */
export function resolveAttachments(
  index: AttachmentIndex,
  clientAddress: string,
  serverAddress: string,
  serverPort: number,
  protocol: ClassifierProtocol = 'tcp',
): ResolvedAttachments {
  const client = parseAddress(clientAddress)
  const server = parseAddress(serverAddress)
  if (client === null || server === null) return { egress: null, ingress: null }
  return {
    egress: findHop(index, 'egress', client, server, serverPort, protocol),
    ingress: findHop(index, 'ingress', server, client, serverPort, protocol),
  }
}
