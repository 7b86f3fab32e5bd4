import type { Ctl, PersistentCollection, Sanitise } from '#signatures/seclang/model.ts'
import type { DynamicOperator } from '../operators/operator.ts'
import type { Collection } from '../transaction/collections.ts'
import type { RuleInfo } from '../transaction/rule-hit.ts'
import type { TxNames } from '../transaction/tx-store.ts'
import type { Pipeline } from '../values/pipeline.ts'
import type { Predicate } from '../values/predicate.ts'
import type { Exclusions } from '../values/exclusions.ts'
import type { GateIndex } from '../values/gate-index.ts'
import type { CompiledSelector, TargetExclusion } from '../values/selector.ts'
import type { KeptBound } from '../values/kept-texts.ts'
import type { TextStore } from '../values/text-store.ts'
import type { Macro } from './macro.ts'

/**
 * A rule set compiled: patterns, automata, targets, effects. It holds nothing of a chain's settings and
 * never changes, so the chains of a worker that name the same rules share one.
 */
export interface CompiledRules {
  /** All rules by `CompiledRule.index`, in file order. */
  readonly rules: readonly CompiledRule[]
  readonly targetLists: readonly TargetList[]
  readonly predicates: readonly Predicate[]
  readonly gates: GateIndex
  /** Bound of what the programs of these rules keep of the traffic, all together. */
  readonly kept: KeptBound
  readonly txNames: TxNames
  /** TX slots whose sum is the anomaly score, for requests and for responses. */
  readonly inboundScoreSlots: readonly number[]
  readonly outboundScoreSlots: readonly number[]
}

/**
 * Rules ready to run under the settings of a chain. Per phase a flat array in file order; jumps
 * (`skipAfter`) are resolved to positions in it. Shared by all transactions of a worker, never changed
 * after it is built (the text store fills up, which changes no answer).
 */
export interface Program {
  /** By phase; index 0 is empty. */
  readonly phases: readonly PhaseProgram[]
  /** All rules by `CompiledRule.index`, also those that are not in force. */
  readonly rules: readonly CompiledRule[]
  readonly targetLists: readonly TargetList[]
  readonly exclusions: Exclusions
  readonly groups: readonly Group[]
  readonly texts: TextStore
  /** Words of 32 predicates. */
  readonly words: number
  readonly txNames: TxNames
  /** TX values before phase 1, by slot. */
  readonly initialTx: readonly (string | undefined)[]
  /** TX slots whose sum is the anomaly score, for requests and for responses. */
  readonly inboundScoreSlots: readonly number[]
  readonly outboundScoreSlots: readonly number[]
  /** What the phases did for one request they may do for the next without being run (request-memo.ts). */
  readonly isRepeatable: boolean
}

export interface PhaseProgram {
  readonly rules: readonly CompiledRule[]
  /** Per rule: position in this array where evaluation goes on when it matches. */
  readonly next: Int32Array
  /** Per rule: the group whose union decides whether it is looked at; -1: always. */
  readonly groupOf: Int32Array
  /** Per rule: word and bit of its predicate in the union. */
  readonly wordOf: Int32Array
  readonly bitOf: Int32Array
  /** Per rule: the row that begins with it. */
  readonly txRuns: readonly (TxRun | null)[]
  /** Per rule: what it depends on, where that is mostly the same. */
  readonly steady: readonly (SteadyRule | null)[]
}

/** Rules in a row that depend on TX alone, and on the values of a group if there is one (tx-runs.ts). */
export interface TxRun {
  /** Position after the last. */
  readonly end: number
  /** -1: none. */
  readonly group: number
  /** TX slots that the outcome depends on, and those it may change. */
  readonly reads: Int32Array
  readonly writes: Int32Array
  /** Per rule: a match changes TX, and where evaluation goes on, and nothing else. */
  readonly isQuiet: readonly boolean[]
}

/** Something that a rule depends on and that is mostly the same in one request and the next. */
export interface SteadyInput {
  readonly collection: Collection
  /** Values of this name alone, in lower case; null: all. */
  readonly nameLower: string | null
  /** Only how many there are. */
  readonly count: boolean
}

/** A rule of which the first links depend on nothing else (steady-rules.ts). */
export interface SteadyRule {
  readonly inputs: readonly SteadyInput[]
  /** How many links that are. */
  readonly links: number
  /** How many of them may match, before one does not, with nothing left of it that a later rule could see. */
  readonly forgets: number
}

/** Rules that look at the same values through the same transformations are gated together. */
export interface Group {
  readonly index: number
  readonly targets: TargetList
  readonly pipelines: readonly Pipeline[]
  /** Predicates of its rules: the words in which they have bits, and the bits. */
  readonly words: Int32Array
  readonly masks: Int32Array
  /** The same with a place for each word of the program. */
  readonly predicates: Int32Array
}

export interface CompiledRule extends RuleInfo {
  readonly index: number
  readonly links: readonly CompiledLink[]
  readonly status: number
  readonly msg: Macro | null
  readonly logdata: Macro | null
  /** Position among all rules of the phase where evaluation goes on after a match. */
  readonly next: number
}

export interface CompiledLink {
  readonly targets: TargetList
  /** One, or with `multiMatch` all steps of it. */
  readonly pipelines: readonly Pipeline[]
  readonly test: LinkTest
  readonly capture: boolean
  readonly effects: readonly CompiledEffect[]
}

export type LinkTest =
  /** SecAction, @unconditionalMatch without variables. */
  | { readonly kind: 'always' }
  | { readonly kind: 'static'; readonly predicate: Predicate }
  | {
      readonly kind: 'dynamic'
      readonly operator: DynamicOperator
      readonly argument: Macro
      readonly negated: boolean
    }

/** Distinct lists of variables; equal lists of different rules are one object. */
export interface TargetList {
  readonly index: number
  readonly parts: readonly TargetPart[]
  /** Some part changes while a phase runs, is counted, or is not worth gating. */
  readonly isVolatile: boolean
  /** A TX variable by name, or a count of values by name: one value at most, which costs little to find. */
  readonly isSingle: boolean
  readonly text: string
}

export interface TargetPart {
  readonly collection: Collection
  readonly selector: CompiledSelector
  readonly count: boolean
  /** All values of the collection, nothing left out, not counted. */
  readonly isWhole: boolean
  /** What `!COLLECTION:selector` leaves out of this part. */
  readonly exclusions: readonly CompiledSelector[]
  /** `TX:name` with a slot of its own; -1: no. */
  readonly txSlot: number
  /** `TX:/regex/`: slots whose names match; null for anything else. */
  txSlots: readonly number[] | null
}

export type CompiledEffect =
  | {
      readonly kind: 'set-slot'
      readonly slot: number
      /** The value after the change, out of the one before and the expanded operand. */
      readonly apply: (before: string | undefined, operand: string) => string | undefined
      readonly value: Macro
    }
  | {
      readonly kind: 'setvar'
      readonly collection: 'TX' | 'ENV' | PersistentCollection
      readonly name: Macro
      readonly apply: (before: string | undefined, operand: string) => string | undefined
      readonly value: Macro
    }
  | {
      readonly kind: 'expirevar'
      readonly collection: 'TX' | PersistentCollection
      readonly name: Macro
      readonly seconds: Macro
    }
  | {
      readonly kind: 'deprecatevar'
      readonly collection: PersistentCollection
      readonly name: Macro
      readonly amount: number
      readonly seconds: number
    }
  | { readonly kind: 'initcol'; readonly collection: PersistentCollection; readonly key: Macro }
  | { readonly kind: 'remove-rules'; readonly rules: Int32Array }
  | { readonly kind: 'remove-targets'; readonly exclusion: TargetExclusion }
  | { readonly kind: 'control'; readonly ctl: Ctl }
  | { readonly kind: 'sanitise'; readonly sanitise: Sanitise }
