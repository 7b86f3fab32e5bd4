import type { AlertMatch } from '#inspectors/inspector.ts'
import type { Disruptive, Phase } from '#signatures/seclang/model.ts'

/** What a rule says of itself. */
export interface RuleInfo {
  readonly id: number
  readonly phase: Phase
  /** `block` replaced by what it stands for. */
  readonly disruptive: Disruptive
  readonly log: boolean
  readonly auditlog: boolean
  readonly severity: number | null
  readonly rev: string
  readonly ver: string | null
  readonly tags: readonly string[]
  /** `file:line` */
  readonly source: string
}

/** A rule that matched as a whole, with what it says about that. */
export interface RuleHit {
  readonly rule: RuleInfo
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
