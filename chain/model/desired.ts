import type { Attachment } from './attachment.ts'
import type { Chain } from './chain.ts'
import type { Port } from './port.ts'
import { parseRuleReference, type RuleSet } from './rule-set.ts'

/** A chain and whose it is: chain names are unique within a tenant. */
export interface TenantChain {
  readonly tenant: string
  readonly chain: Chain
}

/** A resource with the revision that wrote it (its ETag) and when (RFC 3339). */
export interface Stored<T> {
  readonly revision: number
  readonly updatedAt: string
  readonly value: T
}

/** Everything tenants and operators asked for, as one consistent picture at a revision. */
export interface DesiredState {
  /** Grows by one with every write of any resource. */
  readonly revision: number
  /** By `scopedKey(tenant, id)`. */
  readonly ports: ReadonlyMap<string, Stored<Port>>
  readonly chains: ReadonlyMap<string, Stored<TenantChain>>
  readonly attachments: ReadonlyMap<string, Stored<Attachment>>
  /** By name. */
  readonly ruleSets: ReadonlyMap<string, Stored<RuleSet>>
}

export const EMPTY_STATE: DesiredState = {
  revision: 0,
  ports: new Map(),
  chains: new Map(),
  attachments: new Map(),
  ruleSets: new Map(),
}

/** Ids are unique within a tenant. Neither part can hold a slash (NAME_PATTERN). */
export const scopedKey = (tenant: string, id: string): string => `${tenant}/${id}`

/** Every rule set reference of a chain, as written, with its JSON pointer. */
export function ruleReferences(chain: Chain): { reference: string; pointer: string }[] {
  return chain.inspectors.flatMap((inspector, index) => {
    const rules = inspector.rules.map((reference, rule) => ({
      reference,
      pointer: `/inspectors/${index}/rules/${rule}`,
    }))
    if (inspector.type === 'waf' && inspector.setup !== undefined) {
      rules.push({ reference: inspector.setup, pointer: `/inspectors/${index}/setup` })
    }
    return rules
  })
}

/** Chains that name a rule set, bare or at a version. */
export function chainsNaming(state: DesiredState, ruleSet: string): TenantChain[] {
  return [...state.chains.values()]
    .map((stored) => stored.value)
    .filter(({ chain }) =>
      ruleReferences(chain).some(
        ({ reference }) => parseRuleReference(reference)?.name === ruleSet,
      ),
    )
}
