import { isDeepStrictEqual } from 'node:util'
import type { DomainConfig } from '#chain/model/domain.ts'
import { indexAttachments } from '#chain/model/resolve-attachments.ts'
import { chainKey, engineKinds } from '../worker/engine-kinds.ts'

/**
 * True when workers that run `current` can take over `next` without compiling anything: ports or
 * attachments differ and nothing else does. A configuration that differs in nothing is no such case: who
 * sends it wants its rules read again. Nor is one that contradicts itself: it is tried and refused.
 */
export function canReattach(current: DomainConfig, next: DomainConfig): boolean {
  const { generation, ports, attachments, chains } = next
  if (!isDeepStrictEqual({ ...current, generation, ports, attachments }, next)) return false
  if (isDeepStrictEqual({ ...current, generation }, next)) return false
  try {
    indexAttachments(ports, attachments)
  } catch {
    return false
  }
  const known = new Set(chains.map(({ tenant, chain }) => chainKey(tenant, chain.name)))
  if (!attachments.every(({ tenant, chain }) => known.has(chainKey(tenant, chain)))) return false
  const compiled = engineKinds(current)
  return [...engineKinds(next)].every(([key, kinds]) =>
    [...kinds].every((kind) => compiled.get(key)?.has(kind)),
  )
}
