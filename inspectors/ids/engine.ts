import type { InspectorMode } from '#chain/model/chain.ts'
import { MatchBudget } from './match/section.ts'
import { CandidateList } from './program/candidate-list.ts'
import type { Program } from './program/program.ts'
import { FlowState, type HostBits, createHostBits } from './state/flow-state.ts'
import type { AlertLimits } from './state/alert-limits.ts'

export interface EngineSettings {
  readonly mode: InspectorMode
  /** Alert rules with this priority or a more urgent one drop as well; null: none do. */
  readonly dropPriority: number | null
  readonly bodyDepth: number
  readonly streamDepth: number
  /** Thresholds, rate filters and suppressions; one for all connections. */
  readonly limits: AlertLimits
  /** Alerts that one packet, or event, may show. */
  readonly packetAlertMax: number
  /** Of a capture: what a packet leads to is settled when it is over, not event by event. */
  readonly gathersPackets: boolean
  /** Alerts tell what in the buffers matched. */
  readonly quotesMatches: boolean
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What grew beyond its bound or was given up, since the start. */
export interface EngineCounters {
  waitingRulesDropped: number
  alertsDropped: number
  exchangesSkipped: number
}

/**
 * What all connections of one inspector share: the compiled rules, the state that crosses connections, and
 * scratch memory. Evaluation is synchronous and single-threaded, so scratch is never shared in time.
 */
export class Engine {
  readonly program: Program
  readonly settings: EngineSettings
  readonly hostBits: HostBits = createHostBits()
  /** State of a connection whose rules have set nothing. */
  readonly nothingSet = new FlowState(this.hostBits)
  readonly candidates: CandidateList
  readonly budget = new MatchBudget()
  readonly counters: EngineCounters = {
    waitingRulesDropped: 0,
    alertsDropped: 0,
    exchangesSkipped: 0,
  }

  constructor(program: Program, settings: EngineSettings) {
    this.program = program
    this.settings = settings
    this.candidates = new CandidateList(program.rules.length)
  }
}
