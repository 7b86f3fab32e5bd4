import type { ChainInspector, OnFailure } from '#chain/model/chain.ts'
import type { DomainChain, DomainConfig } from '#chain/model/domain.ts'
import {
  indexAttachments,
  resolveAttachments,
  type ResolvedHop,
} from '#chain/model/resolve-attachments.ts'
import { type HopCounters, newHopCounters } from '../chain/counters.ts'
import type { Hop, HopContext } from '../chain/hop.ts'
import type { Connection, Inspector } from '../inspector.ts'
import type { AuditSink } from '../waf/audit/auditor.ts'
import type { SharedCollections } from '../waf/collections/shared-collections.ts'
import { chainKey, type EngineKind, engineKinds } from './engine-kinds.ts'
import { describeWarnings, type LoadDiagnostic } from './load-error.ts'

/** What an engine needs to build one inspector of a chain. */
export interface InspectorSpec {
  /** The chain's entry: type, mode and settings. */
  readonly entry: ChainInspector
  /** Absolute paths of files and folders, in the order of the chain's references. */
  readonly rulePaths: readonly string[]
  /** Loaded before `rulePaths`. */
  readonly setupPaths: readonly string[]
  readonly tenant: string
  readonly chain: string
  readonly kind: EngineKind
}

export interface LoadedEngine {
  readonly inspector: Inspector
  /** Rules that are left out, or do not work as written; the rest is in force. */
  readonly warnings: readonly LoadDiagnostic[]
}

/** @throws an error with `diagnostics` (see `load-error.ts`) when the rules do not load */
export type CreateInspector = (spec: InspectorSpec) => LoadedEngine
/** What engines of a worker use outside of it. Undefined: there is none. */
export interface EngineServices {
  /** Place for the audit log of WAFs. */
  readonly audit: AuditSink | undefined
  /** Persistent collections of WAFs that workers share. */
  readonly collections: SharedCollections | undefined
}
export type CreateEngine = (spec: InspectorSpec, services: EngineServices) => LoadedEngine

/** The counters of one inspector of a chain, with the labels they are exported under. */
export interface LabelledCounters {
  readonly tenant: string
  readonly chain: string
  readonly inspector: string
  readonly counters: HopCounters
}

export interface Routes {
  /** Null: no attachment covers the connection. */
  find(connection: Connection): readonly Hop[] | null
  /** What a connection gets that no attachment covers. */
  readonly unresolved: OnFailure
  readonly counters: readonly LabelledCounters[]
  /** `shop: waf(block, 1234 rules) -> ids(detect, 60 rules)`, one per chain. */
  readonly descriptions: readonly string[]
  /** One line for each inspector with rules that do not work as written. */
  readonly warnings: readonly string[]
  /** Context of alerts about the domain as a whole. */
  readonly context: HopContext
  /**
   * The same compiled chains behind the ports and attachments of another configuration.
   *
   * @throws TypeError for a configuration that contradicts itself
   */
  reattached(config: DomainConfig): Routes
}

interface LoadedInspector {
  readonly entry: ChainInspector
  /** What its chain is asked for; at least one. */
  readonly engines: Readonly<Partial<Record<EngineKind, LoadedEngine>>>
  readonly counters: HopCounters
  readonly ruleSet: string
  readonly onFailure: OnFailure
}

interface LoadedChain {
  readonly domainChain: DomainChain
  readonly inspectors: readonly LoadedInspector[]
}

/** Name of the port and attachment in alerts of `portcullis inspect`, which has neither. */
export const INSPECT_ATTACHMENT = 'inspect'
/** The same, and of the chain, in alerts about a domain as a whole. */
export const NO_ATTACHMENT = 'none'

/**
 * Compiles all chains of a domain and finds the hops of a connection.
 *
 * @throws what `createInspector` throws, and TypeError for a configuration that contradicts itself
 */
export function buildRoutes(config: DomainConfig, createInspector: CreateInspector): Routes {
  const chains = new Map<string, LoadedChain>()
  const kinds = engineKinds(config)
  for (const domainChain of config.chains) {
    const key = chainKey(domainChain.tenant, domainChain.chain.name)
    chains.set(key, {
      domainChain,
      inspectors: domainChain.chain.inspectors.map((entry) =>
        loadInspector(domainChain, entry, kinds.get(key)!, createInspector),
      ),
    })
  }
  return routesOf(config, chains)
}

function routesOf(config: DomainConfig, chains: ReadonlyMap<string, LoadedChain>): Routes {
  const loaded = [...chains.values()]
  const tenant = config.chains[0]?.tenant ?? config.ports[0]?.tenant ?? NO_ATTACHMENT
  return {
    find: config.listener.kind === 'proxy' ? findFirst(loaded) : findByAddress(config, chains),
    unresolved: loaded.every(({ domainChain }) => domainChain.chain.onFailure === 'open')
      ? 'open'
      : 'closed',
    counters: loaded.flatMap(({ domainChain, inspectors }) =>
      inspectors.map(({ entry, counters }) => ({
        tenant: domainChain.tenant,
        chain: domainChain.chain.name,
        inspector: entry.type,
        counters,
      })),
    ),
    descriptions: loaded.map(describe),
    warnings: loaded.flatMap(({ domainChain, inspectors }) =>
      inspectors.flatMap(({ entry, engines }) =>
        describeWarnings(`chain ${domainChain.chain.name}, ${entry.type}`, anyOf(engines).warnings),
      ),
    ),
    context: {
      tenant,
      ...(config.ports[0] === undefined ? {} : { network: config.ports[0].network }),
      port: NO_ATTACHMENT,
      attachment: NO_ATTACHMENT,
      chain: NO_ATTACHMENT,
      inspector: 'portcullis',
    },
    reattached: (next) => routesOf(next, chains),
  }
}

function loadInspector(
  domainChain: DomainChain,
  entry: ChainInspector,
  kinds: ReadonlySet<EngineKind>,
  createInspector: CreateInspector,
): LoadedInspector {
  const { tenant, chain, rulePaths, ruleVersions } = domainChain
  const pathOf = (reference: string): string => {
    const path = Object.hasOwn(rulePaths, reference) ? rulePaths[reference] : undefined
    if (path === undefined) {
      throw new TypeError(`chain ${chain.name}: rule set ${JSON.stringify(reference)} has no path`)
    }
    return path
  }
  const setup = entry.type === 'waf' && entry.setup !== undefined ? [entry.setup] : []
  const load = (kind: EngineKind): LoadedEngine =>
    createInspector({
      entry,
      rulePaths: entry.rules.map(pathOf),
      setupPaths: setup.map(pathOf),
      tenant,
      chain: chain.name,
      kind,
    })
  return {
    entry,
    engines: Object.fromEntries([...kinds].map((kind) => [kind, load(kind)])),
    counters: newHopCounters(),
    ruleSet: entry.rules
      .map((name) => (Object.hasOwn(ruleVersions, name) ? ruleVersions[name] : name))
      .join(','),
    onFailure: entry.onFailure ?? chain.onFailure,
  }
}

/** @param kind one that the chain was loaded for; otherwise there is nobody to ask, and hops fail */
function hopsOf(
  chain: LoadedChain,
  kind: EngineKind,
  where: Omit<HopContext, 'inspector' | 'chain'>,
): Hop[] {
  return chain.inspectors.map(({ entry, engines, counters, ruleSet, onFailure }) => ({
    inspector: (engines[kind] ?? anyOf(engines)).inspector,
    counters,
    onFailure,
    context: {
      ...where,
      chain: chain.domainChain.chain.name,
      inspector: entry.type,
      mode: entry.mode,
      ruleSet,
    },
  }))
}

function findFirst(chains: readonly LoadedChain[]): Routes['find'] {
  const first = chains.at(0)
  const hops =
    first === undefined
      ? []
      : hopsOf(first, 'streams', {
          tenant: first.domainChain.tenant,
          port: INSPECT_ATTACHMENT,
          attachment: INSPECT_ATTACHMENT,
        })
  return () => hops
}

function findByAddress(
  config: DomainConfig,
  chains: ReadonlyMap<string, LoadedChain>,
): Routes['find'] {
  const index = indexAttachments(config.ports, config.attachments)
  const hopsByAttachment: Record<EngineKind, Map<string, Hop[]>> = {
    streams: new Map(),
    packets: new Map(),
  }
  const portsById = new Map(config.ports.map((port) => [port.id, port]))
  for (const attachment of config.attachments) {
    const chain = chains.get(chainKey(attachment.tenant, attachment.chain))
    if (chain === undefined) {
      throw new TypeError(`attachment ${attachment.id}: chain ${attachment.chain} is not here`)
    }
    const network = portsById.get(attachment.port)?.network
    for (const kind of ['streams', 'packets'] as const)
      hopsByAttachment[kind].set(
        attachment.id,
        hopsOf(chain, kind, {
          tenant: attachment.tenant,
          ...(network === undefined ? {} : { network }),
          port: attachment.port,
          attachment: attachment.id,
        }),
      )
  }
  // Both ends attached: the client's chain, then the server's. Made once per pair.
  const joined = new Map<string, readonly Hop[]>()
  return (connection) => {
    const kind = connection.protocol === 'udp' ? 'packets' : 'streams'
    const hopsFor = (hop: ResolvedHop): readonly Hop[] =>
      hopsByAttachment[kind].get(hop.attachment.id) ?? []
    const { egress, ingress } = resolveAttachments(
      index,
      connection.clientAddress,
      connection.serverAddress,
      connection.serverPort,
      connection.protocol,
    )
    if (egress === null) return ingress === null ? null : hopsFor(ingress)
    if (ingress === null) return hopsFor(egress)
    const key = `${kind} ${egress.attachment.id} ${ingress.attachment.id}`
    let hops = joined.get(key)
    if (hops === undefined) {
      hops = [...hopsFor(egress), ...hopsFor(ingress)]
      joined.set(key, hops)
    }
    return hops
  }
}

function describe({ domainChain, inspectors }: LoadedChain): string {
  const hops = inspectors.map(({ entry, engines }) => {
    const counts = Object.values(engines).map(({ inspector }) => inspector.ruleCount)
    return `${entry.type}(${entry.mode}, ${Math.max(...counts)} rules)`
  })
  return `${domainChain.chain.name}: ${hops.length === 0 ? 'no inspectors' : hops.join(' -> ')}`
}

function anyOf(engines: LoadedInspector['engines']): LoadedEngine {
  const [first] = Object.values(engines)
  return first
}
