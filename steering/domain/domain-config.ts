import { isDeepStrictEqual } from 'node:util'
import type { DomainConfig } from '#chain/model/domain.ts'

/** A DomainConfig before it has a generation. */
export type DomainContent = Omit<DomainConfig, 'generation'>

/**
 * Numbers the configurations of one domain: the same content keeps its generation, so that a change
 * elsewhere on the host, or a restart of the agent, replaces no worker; any other content gets the
 * next one.
 *
 * @param previous the configuration that was last given to the supervisor, or null
 */
export function numberConfig(previous: DomainConfig | null, content: DomainContent): DomainConfig {
  if (previous === null) return { ...content, generation: 1 }
  const { generation, ...before } = previous
  return {
    ...content,
    generation: isDeepStrictEqual(before, content) ? generation : generation + 1,
  }
}
