import type { HashAlgorithm } from '#signatures/suricata/checks.ts'
import type { Application, CompiledRule, Side, Slot } from './compiled-rule.ts'
import type { FlowKinds } from './flow-kinds.ts'
import type { PortPlans } from './port-plans.ts'
import type { RuleGroup } from './rule-group.ts'

/** All rules of an inspector, compiled. Shared by its connections; evaluation is single-threaded. */
export interface Program {
  readonly rules: readonly CompiledRule[]
  readonly slots: readonly Slot[]
  readonly applications: Readonly<Record<Application, Readonly<Record<Side, RuleGroup>>>>
  /** Rules about streams and packets, by the ports of a flow. */
  readonly plans: PortPlans
  /** Flows that no rule header tells apart. */
  readonly flowKinds: FlowKinds
  /** Rules that are asked when an event of the application protocol is raised, by its name. */
  readonly events: ReadonlyMap<string, readonly CompiledRule[]>
  /** Protocols that such events are of. */
  readonly eventApplications: ReadonlySet<string | null>
  /** Sums that rules ask of files; null: no rule asks for files. */
  readonly fileSums: readonly HashAlgorithm[] | null
  /** Rules that this path has no data for, by reason. */
  readonly inapplicable: ReadonlyMap<string, number>
}
