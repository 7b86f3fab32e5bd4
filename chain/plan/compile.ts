import type { Attachment } from '#chain/model/attachment.ts'
import { type DesiredState, ruleReferences, scopedKey } from '#chain/model/desired.ts'
import type { Port } from '#chain/model/port.ts'
import { parseRuleReference, resolveReference } from '#chain/model/rule-set.ts'
import type { HostSnapshot } from '#chain/model/snapshot.ts'
import { canonicalJson, sha256Hex } from './canonical.ts'

/** What a snapshot says, apart from which one it is: equal content is not published twice. */
export type HostContent = Omit<HostSnapshot, 'epoch' | 'generation'>

/**
 * Compiles what one host has to enforce: the registered ports whose interfaces it has, their
 * attachments, those attachments' chains, and the rule set versions that the chains mean now. A port
 * that moves between hosts is in both snapshots for as long as both report its interface.
 *
 * Pure. Its order does not depend on the order of the maps.
 *
 * @param interfaceIds `external_ids:iface-id` values that the host has
 */
export function compileHost(
  state: DesiredState,
  host: string,
  interfaceIds: ReadonlySet<string>,
): HostContent {
  const { portByInterface, attachmentsByPort } = indexOf(state)
  const ports = [...interfaceIds]
    .flatMap((interfaceId) => portByInterface.get(interfaceId) ?? [])
    .toSorted((a, b) => byScope(a.tenant, a.id, b.tenant, b.id))
  const attachments = ports
    .flatMap((port) => attachmentsByPort.get(scopedKey(port.tenant, port.id)) ?? [])
    .toSorted((a, b) => byScope(a.tenant, a.id, b.tenant, b.id))
  const chains = usedChains(state, attachments)
  return { host, ports, chains, attachments, ruleSets: usedRuleSets(state, chains) }
}

interface StateIndex {
  readonly portByInterface: ReadonlyMap<string, Port>
  readonly attachmentsByPort: ReadonlyMap<string, readonly Attachment[]>
}

/** One index per picture, shared by all hosts: compiling a host costs what that host has. */
const indices = new WeakMap<DesiredState, StateIndex>()

function indexOf(state: DesiredState): StateIndex {
  const known = indices.get(state)
  if (known !== undefined) return known
  const attachments = [...state.attachments.values()].map((stored) => stored.value)
  const index: StateIndex = {
    portByInterface: new Map(
      [...state.ports.values()].map(({ value }) => [value.interfaceId, value]),
    ),
    attachmentsByPort: Map.groupBy(attachments, ({ tenant, port }) => scopedKey(tenant, port)),
  }
  indices.set(state, index)
  return index
}

function usedChains(
  state: DesiredState,
  attachments: readonly Attachment[],
): HostContent['chains'] {
  const keys = new Set(attachments.map(({ tenant, chain }) => scopedKey(tenant, chain)))
  return [...keys]
    .toSorted()
    .flatMap((key) => state.chains.get(key)?.value ?? [])
    .map(({ tenant, chain }) => ({ tenant, chain }))
}

function usedRuleSets(state: DesiredState, chains: HostContent['chains']): HostContent['ruleSets'] {
  const references = new Set(
    chains.flatMap(({ chain }) => ruleReferences(chain).map(({ reference }) => reference)),
  )
  const ruleSets: HostContent['ruleSets'] = {}
  for (const text of [...references].toSorted()) {
    const reference = parseRuleReference(text)
    if (reference === null) continue
    const version = resolveReference(reference, state.ruleSets.get(reference.name)?.value)
    if (version !== null) ruleSets[text] = version
  }
  return ruleSets
}

function byScope(tenantA: string, idA: string, tenantB: string, idB: string): number {
  const a = scopedKey(tenantA, idA)
  const b = scopedKey(tenantB, idB)
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * For each attachment of a snapshot (by `scopedKey`), a digest of everything that decides how it is
 * enforced. It tells from which generation on an attachment is as it is now.
 */
export function attachmentDigests(content: HostContent): Map<string, string> {
  const ports = new Map(content.ports.map((port) => [scopedKey(port.tenant, port.id), port]))
  const chains = new Map(
    content.chains.map(({ tenant, chain }) => [scopedKey(tenant, chain.name), chain]),
  )
  return new Map(
    content.attachments.map((attachment) => {
      const chain = chains.get(scopedKey(attachment.tenant, attachment.chain))
      const versions = (chain ? ruleReferences(chain) : []).map(
        ({ reference }) => content.ruleSets[reference]?.sha256 ?? null,
      )
      const port = ports.get(scopedKey(attachment.tenant, attachment.port))
      const digest = sha256Hex(canonicalJson([attachment, port, chain, versions]))
      return [scopedKey(attachment.tenant, attachment.id), digest]
    }),
  )
}
