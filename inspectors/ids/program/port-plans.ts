/**
 * Groups of the rules about streams and packets by the ports of a flow: a flow to port 80 is not scanned for
 * what is looked for on port 445.
 *
 * Ports that no rule tells apart are one class. The groups of a pair of classes are made when a flow first
 * needs them; a capture with more pairs than MAX_PLANS goes on with groups of all rules, which costs time and
 * finds the same, as every candidate's header is asked again.
 */
import { coversApplication } from '#signatures/suricata/protocols.ts'
import type { CompiledRule, Side } from './compiled-rule.ts'
import type { PortCondition } from './port-condition.ts'
import type { GroupDraft, RuleGroup } from './rule-group.ts'

/** Pairs of port classes with groups of their own. */
export const MAX_PLANS = 64

/** `session`: of a TCP connection whose stream is inspected; `tcp`: any other TCP packet. */
export type PacketKind = 'session' | 'tcp' | 'udp' | 'other'

export const PACKET_KINDS: readonly PacketKind[] = ['session', 'tcp', 'udp', 'other']

/** Rules by what they are about and the side that sends it. */
export type PlannedDrafts = Readonly<
  Record<'stream' | PacketKind, Readonly<Record<Side, GroupDraft>>>
>

/** Protocols whose streams have groups without the rules of other protocols. */
type OwnStream = 'http' | 'tls'

/** Groups of one direction; null: not asked for yet. */
class SideGroups {
  session: RuleGroup | null = null
  tcp: RuleGroup | null = null
  udp: RuleGroup | null = null
  other: RuleGroup | null = null
  stream: RuleGroup | null = null
  http: RuleGroup | null = null
  tls: RuleGroup | null = null
}

/** The groups of flows between two ports. */
export class PortPlan {
  readonly #drafts: PlannedDrafts
  readonly #admits: ((rule: CompiledRule, side: Side) => boolean) | null
  readonly #request = new SideGroups()
  readonly #response = new SideGroups()

  constructor(drafts: PlannedDrafts, admits: ((rule: CompiledRule, side: Side) => boolean) | null) {
    this.#drafts = drafts
    this.#admits = admits
  }

  /** @param application the protocol that is spoken; null: not known */
  stream(application: string | null, side: Side): RuleGroup {
    const groups = side === 'request' ? this.#request : this.#response
    if (application === 'http') return (groups.http ??= this.#make('stream', side, application))
    if (application === 'tls') return (groups.tls ??= this.#make('stream', side, application))
    return (groups.stream ??= this.#make('stream', side, null))
  }

  packet(kind: PacketKind, side: Side): RuleGroup {
    const groups = side === 'request' ? this.#request : this.#response
    switch (kind) {
      case 'session':
        return (groups.session ??= this.#make(kind, side, null))
      case 'tcp':
        return (groups.tcp ??= this.#make(kind, side, null))
      case 'udp':
        return (groups.udp ??= this.#make(kind, side, null))
      case 'other':
        return (groups.other ??= this.#make(kind, side, null))
    }
  }

  #make(about: 'stream' | PacketKind, side: Side, application: OwnStream | null): RuleGroup {
    const admits = this.#admits
    return this.#drafts[about][side].finish(
      (compiled) =>
        (admits === null || admits(compiled, side)) &&
        (application === null ||
          compiled.rule.application === null ||
          coversApplication(compiled.rule.application, application)),
    )
  }
}

export class PortPlans {
  readonly #drafts: PlannedDrafts
  readonly #client: PortClasses
  readonly #server: PortClasses
  readonly #plans = new Map<number, PortPlan>()
  readonly #whole: PortPlan

  constructor(drafts: PlannedDrafts) {
    this.#drafts = drafts
    this.#whole = new PortPlan(drafts, null)
    const client = new Set<PortCondition>()
    const server = new Set<PortCondition>()
    for (const { request, response } of Object.values(drafts)) {
      for (const { header } of request.rules()) {
        addAll(header.ports.source, client)
        addAll(header.ports.destination, server)
      }
      for (const { header } of response.rules()) {
        addAll(header.ports.source, server)
        addAll(header.ports.destination, client)
      }
    }
    this.#client = new PortClasses(client)
    this.#server = new PortClasses(server)
  }

  /** The groups of a flow. */
  of(clientPort: number, serverPort: number): PortPlan {
    const key = this.#client.of(clientPort) * 65_536 + this.#server.of(serverPort)
    const known = this.#plans.get(key)
    if (known !== undefined) return known
    if (this.#plans.size >= MAX_PLANS) return this.#whole
    const made = new PortPlan(this.#drafts, ({ header }, side) =>
      side === 'request'
        ? header.matchesPorts(clientPort, serverPort)
        : header.matchesPorts(serverPort, clientPort),
    )
    this.#plans.set(key, made)
    return made
  }
}

function addAll(conditions: readonly PortCondition[], into: Set<PortCondition>): void {
  for (const condition of conditions) into.add(condition)
}

/** Numbers ports by the answers of all conditions: below 65,536. */
export class PortClasses {
  readonly #conditions: readonly PortCondition[]
  /** Stretch of ports, between two bounds, that each port lies in. */
  readonly #stretches = new Uint16Array(65_536)
  readonly #classOfStretch: Int32Array
  readonly #classes = new Map<string, number>()

  constructor(conditions: ReadonlySet<PortCondition>) {
    this.#conditions = [...conditions]
    const isBound = new Uint8Array(65_537)
    for (const { bounds } of conditions) for (const bound of bounds) isBound[bound] = 1
    let stretch = 0
    for (let port = 0; port < 65_536; port += 1) {
      if (port > 0 && isBound[port] === 1) stretch += 1
      this.#stretches[port] = stretch
    }
    this.#classOfStretch = new Int32Array(stretch + 1).fill(-1)
  }

  of(port: number): number {
    const stretch = this.#stretches[port]
    const known = this.#classOfStretch[stretch]
    if (known >= 0) return known
    let answers = ''
    for (const { holds } of this.#conditions) answers += holds(port) ? '1' : '0'
    const number = this.#classes.get(answers) ?? this.#classes.size
    this.#classes.set(answers, number)
    this.#classOfStretch[stretch] = number
    return number
  }
}
