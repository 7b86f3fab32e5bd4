import { applicationOfEvent } from './application-events.ts'
import { bufferByName } from './buffers.ts'
import type { RuleBuilder } from './builder.ts'
import { DEFAULT_PRIORITY } from './classification.ts'
import type { RuleHeader } from './header.ts'
import { coversApplication } from './protocols.ts'
import { RuleFault } from './problem.ts'
import type { BufferMatch, ContentMatch } from './buffer-match.ts'
import type { FlowCondition } from './checks.ts'
import type { Rule, Section } from './rule.ts'
import { fitted, ownText, type RulePool } from './rule-pool.ts'

const NO_FLOW: FlowCondition = { direction: null, state: null, stream: null, fragments: null }

/**
 * Checks what can be checked only when the whole rule is known, and makes the Rule.
 *
 * @throws RuleFault
 */
export function finishRule(
  header: RuleHeader,
  builder: RuleBuilder,
  place: { readonly file: string; readonly line: number; readonly enabled: boolean },
  pool: RulePool,
): Rule {
  builder.close()
  const { meta } = builder
  if (meta.sid === 0)
    throw new RuleFault('missing-sid', 'the rule has no sid', { suggestion: 'add sid:N;' })
  for (const section of builder.sections) checkSection(section.buffer, section.matches)
  const flow = builder.flow ?? NO_FLOW
  const sides = directions(header, builder, flow)
  const classification =
    meta.classtype === null ? undefined : builder.context.classifications.get(meta.classtype)
  return {
    action: header.action,
    protocol: header.protocol,
    direction: header.direction,
    source: header.source,
    sourcePorts: header.sourcePorts,
    destination: header.destination,
    destinationPorts: header.destinationPorts,
    application: application(header, builder),
    gid: meta.gid,
    sid: meta.sid,
    rev: meta.rev,
    message: ownText(meta.message),
    classtype: meta.classtype === null ? null : pool.text(meta.classtype),
    priority: meta.priority ?? classification?.priority ?? DEFAULT_PRIORITY,
    category: classification?.description ?? '',
    references: pool.texts(meta.references),
    metadata: metadataOf(meta.metadata, pool),
    target: meta.target,
    flow: pool.flow(flow),
    toServer: sides.toServer,
    toClient: sides.toClient,
    sections: builder.sections.map(finishSection),
    packetChecks: fitted(builder.packetChecks),
    flowChecks: fitted(builder.flowChecks),
    fileChecks: fitted(builder.fileChecks),
    events: pool.texts(builder.events),
    effects: fitted(builder.effects),
    threshold: builder.threshold,
    noAlert: meta.noAlert,
    showsPass: header.action === 'pass' && meta.alerts,
    enabled: place.enabled,
    file: place.file,
    line: place.line,
  }
}

function finishSection({ buffer, transforms, side, matches }: Section): Section {
  return { buffer, transforms: fitted(transforms), side, matches: fitted(matches) }
}

function metadataOf(metadata: ReadonlyMap<string, string[]>, pool: RulePool): Rule['metadata'] {
  const entries = [...metadata].map(([key, values]) => [key, pool.texts(values)] as const)
  return Object.fromEntries(entries)
}

/** The protocol the rule is bound to: the header's, or the one all its buffers share. */
function application(header: RuleHeader, builder: RuleBuilder): string | null {
  let found = header.protocol.application
  for (const section of builder.sections) {
    const row = bufferByName(section.buffer)!
    if (row.applications.length === 0) continue
    if (found === null) {
      if (row.applications.length === 1) found = row.applications[0]!
      continue
    }
    const name = found
    if (!row.applications.some((wanted) => coversApplication(wanted, name)))
      throw new RuleFault('conflict', `${section.buffer} does not exist in protocol ${found}`)
  }
  for (const event of builder.events) {
    const wanted = applicationOfEvent(event)
    if (wanted === null) continue
    if (found !== null && !coversApplication(found, wanted) && !coversApplication(wanted, found))
      throw new RuleFault('conflict', `${event} does not happen in protocol ${found}`)
    found ??= wanted
  }
  if (header.protocol.application === null && found !== null) {
    const { transport } = header.protocol
    const udpOnly = transport === 'udp' && (found === 'http' || found === 'tls' || found === 'ssh')
    if (udpOnly || transport === 'icmp')
      throw new RuleFault('conflict', `protocol ${header.protocol.name} does not carry ${found}`)
  }
  if (found !== null || !builder.flowChecks.some((check) => check.kind === 'tls.version'))
    return found
  return 'tls'
}

function directions(
  header: RuleHeader,
  builder: RuleBuilder,
  flow: FlowCondition,
): { toServer: boolean; toClient: boolean } {
  if (header.direction === 'transaction') return { toServer: false, toClient: true }
  let request: string | null = null
  let response: string | null = null
  for (const section of builder.sections) {
    const { sides, name } = bufferByName(section.buffer)!
    const side = section.side ?? sides
    if (side === 'request') request ??= name
    else if (side === 'response') response ??= name
  }
  for (const { side, kind } of builder.fileChecks) {
    if (side === 'request') request ??= `the ${kind} of the file`
    else if (side === 'response') response ??= `the ${kind} of the file`
  }
  if (request !== null && response !== null)
    throw new RuleFault('conflict', `${request} and ${response} exist in different directions`, {
      suggestion: 'write => for one rule over request and response, or tie two rules with flowbits',
    })
  if (flow.direction === 'to_client' && request !== null)
    throw new RuleFault('conflict', `${request} does not exist in flow:to_client`)
  if (flow.direction === 'to_server' && response !== null)
    throw new RuleFault('conflict', `${response} does not exist in flow:to_server`)
  return {
    toServer: flow.direction !== 'to_client' && response === null,
    toClient: flow.direction !== 'to_server' && request === null,
  }
}

function checkSection(buffer: string, matches: readonly BufferMatch[]): void {
  for (const match of matches) {
    if (match.kind === 'content') checkContent(buffer, match)
    if (match.kind === 'base64_decode') checkSection('base64_data', match.matches)
  }
  if (matches.some((match) => match.kind === 'absent' && !match.orElse) && matches.length > 1)
    throw new RuleFault('conflict', `absent excludes other matches in ${buffer}`)
}

function checkContent(buffer: string, content: ContentMatch): void {
  if (buffer === 'http.host') {
    if (content.nocase)
      throw new RuleFault('conflict', 'http.host is in lower case: nocase is an error with it', {
        suggestion: 'write the content in lower case, without nocase',
      })
    if (/[A-Z]/.test(content.pattern))
      throw new RuleFault('conflict', 'http.host is in lower case: this content can never match', {
        suggestion: 'write the content in lower case',
      })
  }
  if (
    content.endsWith &&
    typeof content.depth === 'number' &&
    content.offset === null &&
    content.depth < content.pattern.length
  )
    throw new RuleFault('conflict', 'depth is less than the content is long')
}
