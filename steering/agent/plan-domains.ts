import type { Attachment } from '#chain/model/attachment.ts'
import type { TenantChain } from '#chain/model/desired.ts'
import { ruleReferences, scopedKey } from '#chain/model/desired.ts'
import type { DomainChain } from '#chain/model/domain.ts'
import type { Port } from '#chain/model/port.ts'
import type { HostSnapshot } from '#chain/model/snapshot.ts'
import type { DomainContent } from '../domain/domain-config.ts'
import { type DomainKey, domainId } from '../domain/names.ts'
import { VIEW_RULES, VIEW_SPOOL } from '../domain/confined-process.ts'
import type { InForce, InForceAttachment } from './in-force.ts'

/** Descriptors of the transparent socket and of the packet socket, as the launcher leaves them. */
const LISTENER_FD = 3
const DATAGRAM_FD = 4

/** What one domain is to do: its workers' configuration, and what that puts in force. */
export interface DomainPlan {
  readonly id: string
  readonly key: DomainKey
  readonly content: DomainContent
  /** SHA-256 of the bundles that have to be unpacked first. */
  readonly bundles: readonly string[]
  /** By `tenant/id`: attachments of the snapshot, and those that are detached and not yet drained. */
  readonly attachments: InForce
}

/** A port to be mirrored, and what looks at it. */
export interface TapPlan {
  readonly entry: InForceAttachment
  /** SHA-256 of the bundles that have to be unpacked first. */
  readonly bundles: readonly string[]
}

export interface DomainPlans {
  /** By `tenant/id` of the attachment. */
  readonly taps: ReadonlyMap<string, TapPlan>
  /** By domain id. */
  readonly domains: ReadonlyMap<string, DomainPlan>
  /** By `tenant/id`: why an attachment of the snapshot cannot be enforced as it is. */
  readonly refused: ReadonlyMap<string, string>
}

/**
 * Divides a snapshot among inspection domains, one for each tenant network that has attachments. An
 * attachment that is in force and no longer in the snapshot stays in its domain's configuration until
 * somebody takes it out of `inForce`: its flows must go first. One that cannot be enforced as it is now
 * stays as it was. Taps are no part of a domain. Pure.
 */
export function planDomains(
  snapshot: HostSnapshot,
  inForce: InForce,
  settings: { readonly host: string; readonly workers: number },
): DomainPlans {
  const refused = new Map<string, string>()
  const taps = new Map<string, TapPlan>()
  const wanted = new Map<string, InForceAttachment>()
  const ports = new Map(snapshot.ports.map((port) => [scopedKey(port.tenant, port.id), port]))
  const chains = new Map(
    snapshot.chains.map((chain) => [scopedKey(chain.tenant, chain.chain.name), chain]),
  )
  for (const attachment of snapshot.attachments) {
    const key = scopedKey(attachment.tenant, attachment.id)
    const entry = entryOf(snapshot, attachment, ports, chains)
    if (attachment.mode === 'tap') {
      if (typeof entry === 'string') refused.set(key, entry)
      // Of which snapshot it is makes no difference: what runs need not be started again.
      else taps.set(key, { entry: { ...entry, generation: 0 }, bundles: bundlesOf([entry.chain]) })
      continue
    }
    if (typeof entry === 'string') {
      refused.set(key, entry)
      const before = inForce.get(key)
      if (before !== undefined) wanted.set(key, before)
    } else wanted.set(key, entry)
  }
  for (const [key, entry] of inForce) if (!wanted.has(key)) wanted.set(key, entry)

  const byDomain = Map.groupBy(wanted, ([, { port }]) => domainId(port))
  const domains = new Map<string, DomainPlan>()
  for (const [id, entries] of byDomain) domains.set(id, planDomain(id, new Map(entries), settings))
  return { taps, domains, refused }
}

function entryOf(
  snapshot: HostSnapshot,
  attachment: Attachment,
  ports: ReadonlyMap<string, Port>,
  chains: ReadonlyMap<string, TenantChain>,
): InForceAttachment | string {
  const { tenant } = attachment
  const port = ports.get(scopedKey(tenant, attachment.port))
  const chain = chains.get(scopedKey(tenant, attachment.chain))?.chain
  if (port === undefined) return `port ${attachment.port} is not in the snapshot`
  if (chain === undefined) return `chain ${attachment.chain} is not in the snapshot`
  const rulePaths: Record<string, string> = {}
  const ruleVersions: Record<string, string> = {}
  for (const { reference, pointer } of ruleReferences(chain)) {
    const version = Object.hasOwn(snapshot.ruleSets, reference)
      ? snapshot.ruleSets[reference]
      : undefined
    if (version === undefined)
      return `chain ${chain.name} ${pointer}: rule set ${reference} is not installed`
    rulePaths[reference] = `${VIEW_RULES}/${version.sha256}`
    ruleVersions[reference] = `${version.name}@${version.version}`
  }
  return {
    attachment,
    port,
    chain: { tenant, chain, rulePaths, ruleVersions },
    generation: snapshot.generation,
    detachedAt: null,
  }
}

function planDomain(
  id: string,
  attachments: InForce,
  settings: { readonly host: string; readonly workers: number },
): DomainPlan {
  const ports = new Map<string, Port>()
  const chains = new Map<string, DomainChain>()
  // Detached ones first: where both have a port or chain of one name, the snapshot's is the newer.
  const entries = [...attachments.values()].sort(
    (a, b) => a.generation - b.generation || compare(a.attachment.id, b.attachment.id),
  )
  for (const { port, chain } of entries) {
    ports.set(port.id, port)
    chains.set(chain.chain.name, chain)
  }
  const [{ tenant, network }] = entries.map((entry) => entry.port) as [Port]
  const content: DomainContent = {
    domain: id,
    host: settings.host,
    listener: { kind: 'transparent', fd: LISTENER_FD, datagramFd: DATAGRAM_FD },
    workers: settings.workers,
    spoolFolder: VIEW_SPOOL,
    ports: sorted([...ports.values()], (port) => port.id),
    attachments: sorted(
      entries.map((entry) => entry.attachment),
      (attachment) => attachment.id,
    ),
    chains: sorted([...chains.values()], (chain) => chain.chain.name),
  }
  return { id, key: { tenant, network }, content, bundles: bundlesOf(content.chains), attachments }
}

function bundlesOf(chains: readonly DomainChain[]): string[] {
  const paths = chains.flatMap((chain) => Object.values(chain.rulePaths))
  return [...new Set(paths.map((path) => path.slice(VIEW_RULES.length + 1)))]
}

function sorted<T>(items: readonly T[], name: (item: T) => string): T[] {
  return [...items].sort((a, b) => compare(name(a), name(b)))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
