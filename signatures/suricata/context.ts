import type { Classification } from './classification.ts'
import type { Protocol } from './protocols.ts'

/** What a rule is parsed against. */
export interface RuleContext {
  readonly protocol: Protocol
  readonly classifications: ReadonlyMap<string, Classification>
}
