import type { HashAlgorithm } from '#signatures/suricata/rule.ts'
import type { CompiledRule, Side, Slot } from './compiled-rule.ts'
import type { Prefilter } from './prefilter.ts'

/** Rules of one protocol and direction. */
export interface RuleGroup {
  readonly prefilters: readonly Prefilter[]
  /** Rules without a fast pattern, in order. */
  readonly always: readonly CompiledRule[]
  readonly alwaysSet: ReadonlySet<CompiledRule>
  readonly size: number
}

export type Application = 'http' | 'tls' | 'dns'

/** All rules of an inspector, compiled. Shared by its connections; evaluation is single-threaded. */
export interface Program {
  readonly rules: readonly CompiledRule[]
  readonly slots: readonly Slot[]
  readonly headerCount: number
  readonly applications: Readonly<Record<Application, Readonly<Record<Side, RuleGroup>>>>
  /** Payload of streams and chunks. */
  readonly stream: Readonly<Record<Side, RuleGroup>>
  /** Packets of a capture; empty for the inline path. */
  readonly packet: Readonly<Record<Side, RuleGroup>>
  /** Sums that rules ask of files; null: no rule asks for files. */
  readonly fileSums: readonly HashAlgorithm[] | null
  /** Rules that this path has no data for, by reason. */
  readonly inapplicable: ReadonlyMap<string, number>
}
