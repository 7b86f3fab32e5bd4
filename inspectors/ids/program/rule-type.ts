import { PAYLOAD, isPacketBuffer } from '#signatures/suricata/buffers.ts'
import type { AddressSpec } from '#signatures/suricata/address.ts'
import type { Rule } from '#signatures/suricata/rule.ts'

/**
 * What kind of traffic a rule is about. It says what the rule is matched against, how often, and whether
 * its drop or pass is for one packet or for the rest of the flow.
 *
 * @see Suricata user guide, Rule Types and Categorization
 */
export type RuleType =
  | 'pkt'
  | 'ip_only'
  | 'like_ip_only'
  | 'pd_only'
  | 'pkt_stream'
  | 'stream'
  | 'app_layer'
  | 'app_tx'

/** Checks that are about a transaction of the application protocol. */
const TRANSACTION_CHECKS: ReadonlySet<string> = new Set(['tls.version', 'ssl_state'])
/** Checks whose answer the bytes of the packet itself, or another rule over them, may change. */
const STREAM_CHECKS: ReadonlySet<string> = new Set([
  'app-layer-protocol',
  'flowbits',
  'xbits',
  'flowint',
])

export function ruleType(rule: Rule): RuleType {
  const { sections, packetChecks, flowChecks, flow, application } = rule
  if (
    rule.fileChecks.length > 0 ||
    rule.events.length > 0 ||
    sections.some(({ buffer }) => buffer !== PAYLOAD && !isPacketBuffer(buffer)) ||
    flowChecks.some(({ kind }) => TRANSACTION_CHECKS.has(kind))
  )
    return 'app_tx'
  const isPacketRule =
    packetChecks.length > 0 ||
    sections.some(({ buffer }) => isPacketBuffer(buffer)) ||
    flowChecks.some(({ kind }) => kind !== 'app-layer-protocol') ||
    flow.state === 'established' ||
    flow.state === 'not_established' ||
    flow.fragments !== null
  if (sections.some(({ buffer }) => buffer === PAYLOAD)) return payloadType(rule)
  if (isPacketRule || flow.stream !== null) return 'pkt'
  if (application !== null) return 'app_layer'
  if (flowChecks.length > 0) return 'pd_only'
  if (flow.direction !== null || flow.state !== null) return 'pkt'
  return isNegated(rule.source) || isNegated(rule.destination) ? 'like_ip_only' : 'ip_only'
}

/** A rule about packets that is asked once the packet's bytes were read. */
export function waitsForStream({ application, flowChecks }: Rule): boolean {
  return application !== null || flowChecks.some(({ kind }) => STREAM_CHECKS.has(kind))
}

/** Rules of this type match once in a flow and direction. */
export function firesOnce(type: RuleType): boolean {
  return type === 'ip_only' || type === 'pd_only'
}

function payloadType({ protocol, flow, sections, flowChecks, packetChecks }: Rule): RuleType {
  if (protocol.transport !== 'tcp' && protocol.transport !== 'ip' && protocol.transport !== 'any')
    return 'pkt'
  if (protocol.payload === 'packet' || flow.stream === 'no_stream') return 'pkt'
  if (packetChecks.length > 0 || flowChecks.some(({ kind }) => kind === 'dsize')) return 'pkt'
  if (protocol.payload === 'stream' || flow.stream === 'only_stream') return 'stream'
  const isPlaced = sections.some(
    ({ buffer, matches }) =>
      buffer === PAYLOAD &&
      matches.some(
        (match) =>
          match.kind === 'content' &&
          (match.offset !== null || match.depth !== null || match.startsWith),
      ),
  )
  return isPlaced ? 'pkt_stream' : 'stream'
}

function isNegated(spec: AddressSpec): boolean {
  return spec.kind === 'not' || (spec.kind === 'list' && spec.items.some(isNegated))
}
