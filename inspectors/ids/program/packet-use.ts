/** What rules have to do with packets, chunks and streams. */
import { PAYLOAD, isPacketBuffer } from '#signatures/suricata/buffers.ts'
import type { PacketCheck } from '#signatures/suricata/checks.ts'
import { isWithin } from '#signatures/suricata/number-range.ts'
import type { Rule } from '#signatures/suricata/rule.ts'
import type { CompiledRule } from './compiled-rule.ts'
import type { PacketKind } from './port-plans.ts'
import { ruleType } from './rule-type.ts'

/** Protocol numbers of IP. */
const TCP = 6
const UDP = 17

/** The rule may hold for packets of this kind. */
export function concernsPackets(
  { rule, onPackets, payload }: CompiledRule,
  kind: PacketKind,
): boolean {
  const { transport } = rule.protocol
  if (kind === 'session' && onPackets !== 'always' && payload !== 'both') return false
  if (!rule.packetChecks.every((check) => holdsForProtocol(check, kind))) return false
  switch (transport) {
    case 'tcp':
      return kind === 'session' || kind === 'tcp'
    case 'udp':
      return kind === 'udp'
    case 'icmp':
      return kind === 'other'
    case 'any':
      return kind !== 'other'
    case 'ip':
      return true
  }
}

/** False where the check asks for another protocol than packets of this kind have. */
function holdsForProtocol(check: PacketCheck, kind: PacketKind): boolean {
  if (check.kind !== 'number' || check.field !== 'ip_proto' || kind === 'other') return true
  return isWithin(check.range, kind === 'udp' ? UDP : TCP)
}

/** Most sizes that a rule is found by. */
const MAX_SIZES = 16

/** Sizes of packets or chunks outside which the rule cannot match, where these are few. */
export function fewSizes(
  rule: Rule,
  payload: CompiledRule['payload'],
): { min: number; max: number } | null {
  if (payload !== 'chunk') return null
  let min = 0
  for (const { buffer, matches } of rule.sections)
    if (buffer === PAYLOAD)
      for (const match of matches)
        if (match.kind === 'content' && !match.negated) min = Math.max(min, match.pattern.length)
  for (const check of rule.flowChecks) {
    if (check.kind !== 'dsize') continue
    const { range } = check
    if (range.negated || range.mask !== undefined || range.max - range.min >= MAX_SIZES) continue
    return { min: Math.max(range.min, min), max: range.max }
  }
  return null
}

/** What the payload sections of a rule are matched against. */
export function payloadForm(rule: Rule): CompiledRule['payload'] {
  const payload = rule.sections.find((section) => section.buffer === PAYLOAD)
  const sized = rule.flowChecks.some((check) => check.kind === 'dsize')
  if (payload === undefined) return sized ? 'chunk' : 'none'
  if (sized || rule.protocol.payload === 'packet' || rule.flow.stream === 'no_stream')
    return 'chunk'
  if (rule.protocol.payload === 'stream' || rule.flow.stream === 'only_stream') return 'stream'
  const placed = payload.matches.some(
    (match) =>
      match.kind === 'content' &&
      (match.offset !== null || match.depth !== null || match.startsWith),
  )
  return placed && rule.application === null ? 'both' : 'stream'
}

/** Whether packets themselves are matched: all of them, those outside a followed TCP connection, none. */
export function packetUse(rule: Rule): CompiledRule['onPackets'] {
  const { sections, flow } = rule
  if (rule.fileChecks.length > 0) return 'never'
  if (sections.some(({ buffer }) => buffer !== PAYLOAD && !isPacketBuffer(buffer))) return 'never'
  const { transport } = rule.protocol
  if (rule.application !== null) {
    if (sections.length === 0 && ruleType(rule) !== 'app_tx') return 'always'
    const isOnPayload = sections.length > 0 || rule.packetChecks.length > 0
    return isOnPayload && (payloadForm(rule) === 'chunk' || rule.packetChecks.length > 0)
      ? 'always'
      : isOnPayload && transport !== 'tcp'
        ? 'without-session'
        : 'never'
  }
  if (flow.stream === 'only_stream' || rule.protocol.payload === 'stream') return 'never'
  const isPacketRule =
    transport === 'udp' ||
    transport === 'icmp' ||
    rule.packetChecks.length > 0 ||
    flow.state === 'not_established' ||
    flow.fragments === 'only_frag' ||
    sections.length === 0 ||
    sections.some(({ buffer }) => isPacketBuffer(buffer)) ||
    payloadForm(rule) === 'chunk'
  return isPacketRule ? 'always' : 'without-session'
}
