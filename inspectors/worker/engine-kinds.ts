import type { DomainConfig } from '#chain/model/domain.ts'

/**
 * What the rules of a chain are compiled for: the streams of connections, or packets. Rules mean other things
 * there, so a chain that has both compiles them twice.
 */
export type EngineKind = 'streams' | 'packets'

const STREAMS: ReadonlySet<EngineKind> = new Set(['streams'])

/** By `tenant/chain`, for every chain of a domain: what its attachments lead through it. */
export function engineKinds(config: DomainConfig): ReadonlyMap<string, ReadonlySet<EngineKind>> {
  const kinds = new Map<string, Set<EngineKind>>()
  for (const { tenant, chain, classifiers } of config.attachments) {
    const key = chainKey(tenant, chain)
    const known = kinds.get(key) ?? new Set()
    kinds.set(key, known)
    for (const { protocol } of classifiers) known.add(protocol === 'udp' ? 'packets' : 'streams')
  }
  return new Map(
    config.chains.map(({ tenant, chain }) => {
      const key = chainKey(tenant, chain.name)
      return [key, kinds.get(key) ?? STREAMS]
    }),
  )
}

export const chainKey = (tenant: string, name: string): string => `${tenant}/${name}`
