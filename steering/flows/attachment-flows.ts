import { FRAGMENT, type Tables, UDP_FRAGMENTS, load, proto, reg } from './build.ts'
import type { Action, Flow, Match, Prefix } from './flow.ts'
import { REG } from './layout.ts'
import { portRegister, toInspector } from './port-flows.ts'
import { type PortMask, portMasks } from './port-masks.ts'
import type { SteeredAttachment, SteeredClassifier, SteeredDomain } from './steered.ts'

/** Where a classifier's own direction comes before answers: a packet may look like both. */
const FORWARD_PRIORITY = 20_000
const ANSWER_PRIORITY = 10_000
const FAMILIES = [4, 6] as const
const PROTOCOLS = { tcp: { 4: 'tcp', 6: 'tcp6' }, udp: { 4: 'udp', 6: 'udp6' } } as const

/** What one attachment needs: who it wants, what happens to them, and its counter. */
export function attachmentFlows(
  tables: Tables,
  attachment: SteeredAttachment,
  domain: SteeredDomain,
): Flow[] {
  const flows = attachment.isDraining
    ? []
    : attachment.classifiers.flatMap((one) => classifyFlows(tables, attachment, one))
  return [
    ...flows,
    ...learningFlows(tables, attachment),
    inspectFlow(tables, attachment, domain),
  ].map((flow) => ({ ...flow, cookie: attachment.number }))
}

function classifyFlows(
  tables: Tables,
  attachment: SteeredAttachment,
  classifier: SteeredClassifier,
): Flow[] {
  const { port, direction, number, priority } = attachment
  const guestOpens = direction === 'egress'
  const masks = portMasks(classifier.destinationPorts)
  const { remote } = classifier
  const self = reg(REG.port, portRegister(port))
  const decide = (isAnswer: 0 | 1): Action[] => [
    load(REG.attachment, number),
    load(REG.isAnswer, isAnswer),
    load(REG.failsOpen, attachment.onFailure === 'open' ? 1 : 0),
    tables.goto('decide'),
  ]
  const flows: Flow[] = []
  for (const family of familiesOf(attachment, remote)) {
    for (const isAnswer of [0, 1] as const) {
      const fromGuest = guestOpens === (isAnswer === 0)
      const match: Match[] = [self, reg(REG.fromGuest, fromGuest ? 1 : 0)]
      if (remote !== null) match.push({ on: fromGuest ? 'destination' : 'source', prefix: remote })
      const rank = priority + (isAnswer === 0 ? FORWARD_PRIORITY : ANSWER_PRIORITY)
      const protocol = proto(PROTOCOLS[classifier.protocol][family])
      if (masks === 'any')
        flows.push(tables.flow('classify', rank, [protocol, ...match], decide(isAnswer)))
      for (const mask of masks === 'any' ? [] : masks) {
        const on = isAnswer === 0 ? 'destinationPort' : 'sourcePort'
        const port: Match = { on, protocol: classifier.protocol, ...mask }
        flows.push(tables.flow('classify', rank, [protocol, ...match, port], decide(isAnswer)))
        if (classifier.protocol === 'tcp' && isAnswer === 0)
          flows.push(fragmentedSyn(family, mask, rank, match))
      }
      // Whose ports are not known: the worker finds out, and lets go on what was not asked for.
      if (classifier.protocol === 'udp') {
        const fragment = UDP_FRAGMENTS[family === 4 ? 0 : 1]
        flows.push(tables.flow('classify', rank, [...fragment, ...match], decide(isAnswer)))
      }
    }
  }
  return flows

  /** It must not slip by for want of a port in its header. What follows it is known by its mark. */
  function fragmentedSyn(
    family: 4 | 6,
    mask: PortMask,
    rank: number,
    match: readonly Match[],
  ): Flow {
    const valid: Match = { on: 'tracked', as: 'valid' }
    const port: Match = { on: 'trackedDestination', protocol: 'tcp', ...mask }
    const ip = proto(family === 4 ? 'ip' : 'ipv6')
    return tables.flow('classify', rank, [valid, ip, FRAGMENT, port, ...match], decide(0))
  }
}

/**
 * A guest that opens connections may use an address or family it never declared: egress looks at both.
 * What is sent to a guest concerns the attachment only at its declared addresses.
 */
function familiesOf(attachment: SteeredAttachment, remote: Prefix | null): readonly (4 | 6)[] {
  const families =
    attachment.direction === 'egress'
      ? FAMILIES
      : FAMILIES.filter((family) =>
          attachment.port.addresses.some((prefix) => prefix.family === family),
        )
  return remote === null ? families : families.filter((family) => family === remote.family)
}

/** While the window is open, TCP connections that nobody remembers are older than the attachment. */
function learningFlows(tables: Tables, attachment: SteeredAttachment): Flow[] {
  if (attachment.isDraining || !attachment.isLearning) return []
  const mine = reg(REG.attachment, attachment.number)
  return [tables.flow('decide', 45, [mine, reg(REG.isSyn, 0)], [tables.goto('remember')])]
}

function inspectFlow(tables: Tables, attachment: SteeredAttachment, domain: SteeredDomain): Flow {
  return tables.flow(
    'inspect',
    20,
    [reg(REG.attachment, attachment.number), reg(REG.inspector, domain.ofport)],
    toInspector(domain),
  )
}
