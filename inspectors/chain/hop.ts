import type { InspectorMode, OnFailure } from '#chain/model/chain.ts'
import type { HttpTransaction } from '../http/transaction.ts'
import type { Alert, Connection, Flow, Inspector } from '../inspector.ts'
import type { HopCounters } from './counters.ts'

/** Whose inspection it was: the part of an alert that the traffic does not tell. */
export interface HopContext {
  readonly tenant: string
  readonly network?: string
  readonly port: string
  readonly attachment: string
  readonly chain: string
  /** `waf`, `ids`, or `portcullis` for alerts about the service itself. */
  readonly inspector: string
  readonly mode?: InspectorMode
  /** `name@version` of the rule sets, comma separated. */
  readonly ruleSet?: string
}

/** One inspector at one attachment. Made when the configuration is loaded, shared by all its flows. */
export interface Hop {
  readonly inspector: Inspector
  readonly onFailure: OnFailure
  readonly context: HopContext
  readonly counters: HopCounters
}

/** What became of the flow that an alert is about. */
export type AlertVerdict = 'passed' | 'blocked' | 'dropped' | 'would-block' | 'bypassed'

export interface AlertEvent {
  readonly context: HopContext
  readonly connection: Connection
  readonly transaction: HttpTransaction | null
  readonly alert: Alert
  readonly verdict: AlertVerdict
  /** What the client was answered instead; of alerts with the verdict `blocked`. */
  readonly status?: number
  readonly flow: Flow
}

/** Where alerts go, in the order in which they were found. Never throws. */
export interface AlertSink {
  alert(event: AlertEvent): void
}
