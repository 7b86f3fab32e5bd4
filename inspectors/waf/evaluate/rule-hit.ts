import type { AlertMatch } from '#inspectors/inspector.ts'
import type { CompiledRule } from '../compile/program.ts'

/** A rule that matched as a whole, with what it says about that. */
export interface RuleHit {
  readonly rule: CompiledRule
  /** Expanded; empty where the rule has none. */
  readonly msg: string
  readonly logdata: string
  readonly matches: readonly AlertMatch[]
  /** Anomaly score after the rule. */
  readonly score: number
  /** The rule ended the transaction, or in mode `detect` would have. */
  readonly isDecisive: boolean
}

/** Most matches that one hit carries. */
export const MAX_HIT_MATCHES = 8
/** Most hits of one transaction that are kept. */
export const MAX_HITS = 500
