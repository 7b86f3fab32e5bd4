import type { HostSnapshot } from '#chain/model/snapshot.ts'
import { scopedKey } from '#chain/model/desired.ts'
import type { DomainChain } from '#chain/model/domain.ts'
import { ruleReferences } from '#chain/model/desired.ts'
import type {
  AttachmentState,
  AttachmentStatus,
  DomainStatus,
  HostStatus,
  ObservedPort,
} from '#chain/model/status.ts'
import type { AttachmentCounters } from '#steering/openflow/switch-controller-interface.ts'
import type { SwitchPort } from '#steering/ovsdb/switch-port.ts'
import { isDeepStrictEqual } from 'node:util'
import { domainId } from '../domain/names.ts'
import type { DomainView } from './domain-set.ts'
import type { RealizedFlows } from './flow-sync.ts'
import { type InForce, type InForceAttachment, isLetGo, isSameIntent } from './in-force.ts'
import type { DomainPlans } from './plan-domains.ts'
import { tapState } from './tap-state.ts'
import type { TapView } from './tap-set.ts'

/** What this agent can enforce; the manager refuses what is not among it. */
export const CAPABILITIES: readonly string[] = [
  'tcp',
  'udp',
  'tap',
  'ipv4',
  'ipv6',
  'ingress',
  'egress',
  'vlan',
  'waf',
  'ids',
]

export interface StatusInput {
  readonly host: string
  readonly version: string
  readonly now: number
  readonly snapshot: HostSnapshot | null
  /** Why the snapshot that Redis offers is not taken. */
  readonly snapshotProblem: string | null
  /** Highest generation that was wholly in force before. */
  readonly reachedGeneration: number
  readonly plans: DomainPlans
  readonly inForce: InForce
  readonly switchConnected: boolean
  readonly switchPorts: readonly SwitchPort[]
  readonly flows: RealizedFlows | null
  readonly flowsProblem: string | null
  readonly counters: ReadonlyMap<string, AttachmentCounters>
  readonly domains: readonly DomainView[]
  /** By `tenant/id`. */
  readonly taps: ReadonlyMap<string, TapView>
  readonly bypassedMs: (key: string) => number
  readonly driftRepaired: number
}

/**
 * What the agent says of itself. An attachment is `realized` only when the workers that listen run it
 * as the snapshot has it and its flows were read back from the switch. Pure.
 */
export function hostStatus(input: StatusInput): HostStatus {
  const { snapshot } = input
  const attachments = attachmentStatuses(input)
  const unfinished = attachments.find(({ state }) => state === 'pending' || state === 'failed')
  const isWhole = snapshot !== null && unfinished === undefined && input.flowsProblem === null
  const reason =
    input.snapshotProblem ??
    input.flowsProblem ??
    (unfinished === undefined
      ? undefined
      : `${unfinished.tenant}/${unfinished.id}: ${unfinished.reason ?? unfinished.state}`)
  return {
    host: input.host,
    version: input.version,
    reportedAt: input.now,
    epoch: snapshot?.epoch ?? 0,
    generation: isWhole ? snapshot.generation : input.reachedGeneration,
    seenGeneration: snapshot?.generation ?? 0,
    ...(reason !== undefined && { reason }),
    switchConnected: input.switchConnected,
    capabilities: [...CAPABILITIES],
    ports: input.switchPorts.flatMap(observedPort),
    attachments,
    domains: input.domains.map((view) => domainStatus(view, input)),
    driftRepaired: input.driftRepaired,
  }
}

/** Two statuses that say the same, apart from time and counters: such a change is not worth a hint. */
export function isSameStatus(a: HostStatus, b: HostStatus): boolean {
  return isDeepStrictEqual(essence(a), essence(b))
}

function essence(status: HostStatus): unknown {
  const { reportedAt: _, attachments, domains, ...rest } = status
  return {
    ...rest,
    attachments: attachments.map(({ packets: _packets, bytes: _bytes, ...one }) => one),
    domains: domains.map(({ bypassedMs: _bypassed, ...one }) => one),
  }
}

function attachmentStatuses(input: StatusInput): AttachmentStatus[] {
  const { snapshot, inForce, plans } = input
  const planned = new Map([...plans.domains.values()].flatMap((plan) => [...plan.attachments]))
  const wanted = new Set<string>()
  const statuses: AttachmentStatus[] = []
  for (const attachment of snapshot?.attachments ?? []) {
    const key = scopedKey(attachment.tenant, attachment.id)
    wanted.add(key)
    const tap = attachment.mode === 'tap' ? (input.taps.get(key) ?? null) : undefined
    const entry = tap === undefined ? inForce.get(key) : (tap?.entry ?? undefined)
    const { state, reason } =
      tap === undefined
        ? stateOf(input, key, entry, planned.get(key))
        : tapState(tap, plans.taps.get(key)?.entry, plans.refused.get(key), input.switchPorts)
    const isCurrent = state !== 'pending' && state !== 'failed'
    statuses.push({
      id: attachment.id,
      tenant: attachment.tenant,
      port: attachment.port,
      chain: attachment.chain,
      direction: attachment.direction,
      state,
      ...(reason !== undefined && { reason }),
      generation: isCurrent ? (snapshot?.generation ?? 0) : (entry?.generation ?? 0),
      ...enforced(input, key, entry?.chain),
      ...(tap !== undefined && { packets: tap?.packets ?? 0, bytes: tap?.bytes ?? 0 }),
    })
  }
  for (const [key, entry] of inForce) {
    if (wanted.has(key)) continue
    const { id, tenant, port, chain, direction } = entry.attachment
    const base = { id, tenant, port, chain, direction, generation: entry.generation }
    // Until the switch has the draining flows, new connections are still inspected; with `reset` it is
    // done when the old ones are gone, and so is the entry then.
    const hasFlows = isLetGo(entry, input.flows?.plan.inForce.get(key))
    const isDraining = hasFlows && entry.attachment.onDetach === 'drain'
    const state = isDraining ? 'draining' : 'pending'
    statuses.push({ ...base, state, ...enforced(input, key, entry.chain) })
  }
  return statuses
}

function stateOf(
  input: StatusInput,
  key: string,
  entry: InForceAttachment | undefined,
  planned: InForceAttachment | undefined,
): { state: AttachmentState; reason?: string } {
  const refused = input.plans.refused.get(key)
  if (refused !== undefined) return { state: 'failed', reason: refused }
  if (planned === undefined) return { state: 'pending' }
  const { interfaceId } = planned.port
  if (!input.switchPorts.some((port) => port.interfaceId === interfaceId))
    return {
      state: 'failed',
      reason: `port ${planned.port.id} is not on this host: no iface-id ${interfaceId} in the switch`,
    }
  const domain = input.domains.find((view) => view.id === domainId(planned.port))
  if (entry === undefined || !isSameIntent(entry, planned)) {
    const problem = domain?.problem ?? null
    return problem === null ? { state: 'pending' } : { state: 'failed', reason: problem }
  }
  const flows = input.flows
  const flowRefusal = flows?.result.refused.find((refusal) => refusal.attachment === key)
  if (flowRefusal !== undefined) return { state: 'failed', reason: flowRefusal.reason }
  const mode = flows?.plan.modes.get(key)
  const steered = flows?.plan.inForce.get(key)
  if (mode === undefined || steered === undefined || !isSameIntent(steered, entry))
    return input.flowsProblem === null
      ? { state: 'pending' }
      : { state: 'pending', reason: input.flowsProblem }
  const why = domain?.problem ?? 'no worker listens'
  if (mode === 'bypass') return { state: 'bypassed', reason: why }
  if (mode === 'closed') return { state: 'blocked', reason: why }
  if (mode === 'draining') return { state: 'pending' }
  return { state: 'realized' }
}

function enforced(
  input: StatusInput,
  key: string,
  chain: DomainChain | undefined,
): Pick<AttachmentStatus, 'effective' | 'ruleSets' | 'packets' | 'bytes'> {
  const counters = input.counters.get(key)
  const versions = chain
    ? ruleReferences(chain.chain).map(({ reference }) => chain.ruleVersions[reference] ?? reference)
    : []
  return {
    effective: chain?.chain.inspectors.map(({ type, mode }) => `${type}:${mode}`) ?? [],
    ruleSets: [...new Set(versions)],
    packets: counters?.packets ?? 0,
    bytes: counters?.bytes ?? 0,
  }
}

function domainStatus(view: DomainView, input: StatusInput): DomainStatus {
  const keys = [...input.inForce]
    .filter(([, entry]) => domainId(entry.port) === view.id)
    .map(([key]) => key)
  return {
    network: view.key.network,
    tenant: view.key.tenant,
    namespace: view.namespace,
    listening: view.status?.listening ?? 0,
    wanted: view.status?.wanted ?? 0,
    restarts: (view.status?.restarts ?? 0) + view.supervisorRestarts,
    bypassedMs: Math.max(0, ...keys.map(input.bypassedMs)),
  }
}

function observedPort(port: SwitchPort): ObservedPort[] {
  if (port.interfaceId === null) return []
  const { interfaceId, name, ofport, mac, vlan, linkUp } = port
  return [{ interfaceId, name, ofport, mac, ...(vlan !== null && { vlan }), linkUp }]
}
