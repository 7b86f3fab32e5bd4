import type { SourcePosition } from './diagnostic.ts'

/**
 * The rule model: what SecLang text means, with defaults, updates and removals already applied, and
 * nothing yet decided about how it is evaluated. All text is latin1. Macros (`%{tx.score}`) stay
 * unexpanded text.
 */

export type Phase = 1 | 2 | 3 | 4 | 5

export type Selector =
  /** Compared without letter case; `raw` keeps the spelling for messages. */
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'regex'; readonly pattern: string }
  | { readonly kind: 'xpath'; readonly path: string }

/** `!REQUEST_HEADERS:/^X-/`, `&ARGS`. */
export interface Target {
  /** Canonical upper-case name out of `variable-names.ts`. */
  readonly collection: string
  readonly selector: Selector | null
  readonly count: boolean
  readonly exclude: boolean
  readonly position: SourcePosition
}

export interface OperatorUse {
  /** Lower case. */
  readonly name: string
  readonly negated: boolean
  readonly argument: string
  /** The argument holds macros and the operator expands them. */
  readonly dynamic: boolean
  readonly position: SourcePosition
  readonly argumentPosition: SourcePosition
}

export type Disruptive =
  | { readonly kind: 'pass' | 'deny' | 'drop' | 'block' }
  | { readonly kind: 'allow'; readonly scope: 'transaction' | 'phase' | 'request' }
  | { readonly kind: 'redirect'; readonly location: string }

/** Inclusive range of rule ids. */
export interface IdRange {
  readonly from: number
  readonly to: number
}

export type RuleSelection =
  | { readonly by: 'id'; readonly ranges: readonly IdRange[] }
  | { readonly by: 'tag'; readonly pattern: string }
  | { readonly by: 'msg'; readonly pattern: string }

export type EngineMode = 'on' | 'off' | 'detection-only'

export type Ctl =
  | { readonly kind: 'rule-engine'; readonly mode: EngineMode }
  | { readonly kind: 'remove-rules'; readonly selection: RuleSelection }
  | {
      readonly kind: 'remove-targets'
      readonly selection: RuleSelection
      readonly targets: readonly Target[]
    }
  | { readonly kind: 'request-body-processor'; readonly processor: BodyProcessor }
  | { readonly kind: 'force-request-body-variable'; readonly on: boolean }
  | { readonly kind: 'request-body-access'; readonly on: boolean }
  | { readonly kind: 'request-body-limit'; readonly bytes: number }
  | { readonly kind: 'response-body-access'; readonly on: boolean }
  | { readonly kind: 'response-body-limit'; readonly bytes: number }
  | { readonly kind: 'audit-engine'; readonly mode: 'on' | 'off' | 'relevant-only' }
  | { readonly kind: 'audit-log-parts'; readonly parts: string }
  | { readonly kind: 'debug-log-level'; readonly level: number }

export type BodyProcessor = 'URLENCODED' | 'MULTIPART' | 'XML' | 'JSON'

/** Collections that outlive a transaction. */
export type PersistentCollection = 'GLOBAL' | 'IP' | 'SESSION' | 'USER' | 'RESOURCE'

/** What a match changes, in the order written. Names and values may hold macros. */
export type Effect =
  | {
      readonly kind: 'setvar'
      readonly collection: 'TX' | 'ENV' | PersistentCollection
      readonly name: string
      readonly operation: 'set' | 'add' | 'subtract' | 'unset'
      readonly value: string
    }
  | {
      readonly kind: 'expirevar'
      readonly collection: 'TX' | PersistentCollection
      readonly name: string
      readonly seconds: string
    }
  | {
      readonly kind: 'deprecatevar'
      readonly collection: PersistentCollection
      readonly name: string
      readonly amount: number
      readonly seconds: number
    }
  | { readonly kind: 'initcol'; readonly collection: PersistentCollection; readonly key: string }
  | { readonly kind: 'ctl'; readonly ctl: Ctl }
  | { readonly kind: 'sanitise'; readonly sanitise: Sanitise }

/** Actions of one rule or chain link. Null: the rule does not say. */
export interface RuleActions {
  readonly id: number | null
  readonly phase: Phase | null
  readonly disruptive: Disruptive | null
  readonly status: number | null
  readonly log: boolean | null
  readonly auditlog: boolean | null
  readonly msg: string | null
  readonly logdata: string | null
  /** 0 (emergency) to 7 (debug). */
  readonly severity: number | null
  readonly rev: string | null
  readonly ver: string | null
  readonly maturity: number | null
  readonly accuracy: number | null
  readonly tags: readonly string[]
  /** Lower-case names, `t:none` applied. */
  readonly transformations: readonly string[]
  /** `t:none` was written: transformations of the default action are left out. */
  readonly resetsTransformations: boolean
  readonly capture: boolean
  readonly multiMatch: boolean
  readonly chain: boolean
  readonly skip: number | null
  readonly skipAfter: string | null
  readonly effects: readonly Effect[]
}

/** What the audit log must not show. */
export type Sanitise =
  | { readonly what: 'argument' | 'request-header' | 'response-header'; readonly name: string }
  /** The variable that matched. */
  | { readonly what: 'matched' }
  /** The bytes that matched, but for some at their beginning and end. */
  | { readonly what: 'matched-bytes'; readonly keepFirst: number; readonly keepLast: number }

/** One `SecRule` or `SecAction`; several make a chain. */
export interface RuleLink {
  readonly targets: readonly Target[]
  /** Null: unconditional (`SecAction`). */
  readonly operator: OperatorUse | null
  readonly actions: RuleActions
  readonly position: SourcePosition
}

export interface Rule {
  /** 0 where the rule has none. */
  readonly id: number
  readonly phase: Phase
  /** The starter first; its actions have the defaults of the phase applied. */
  readonly links: readonly RuleLink[]
  /** What `block` stands for: the disruptive action (and status) of the default action in force. */
  readonly blockAs: Disruptive
  readonly blockStatus: number | null
  readonly position: SourcePosition
}

export type RuleSetEntry =
  | { readonly kind: 'rule'; readonly rule: Rule }
  | { readonly kind: 'marker'; readonly name: string }

/** Engine directives. Undefined: the files do not say. */
export interface EngineSettings {
  ruleEngine?: EngineMode
  requestBodyAccess?: boolean
  requestBodyLimit?: number
  requestBodyNoFilesLimit?: number
  requestBodyLimitAction?: 'reject' | 'process-partial'
  requestBodyJsonDepthLimit?: number
  argumentsLimit?: number
  argumentSeparator?: string
  cookieFormat?: 0 | 1
  responseBodyAccess?: boolean
  responseBodyMimeTypes?: readonly string[]
  responseBodyLimit?: number
  responseBodyLimitAction?: 'reject' | 'process-partial'
  collectionTimeoutSeconds?: number
  uploadFileLimit?: number
  auditEngine?: 'on' | 'off' | 'relevant-only'
  auditLogRelevantStatus?: string
  auditLogParts?: string
  auditLogFormat?: 'json' | 'native'
  webAppId?: string
  sensorId?: string
  serverSignature?: string
  xmlExternalEntity?: boolean
}

export interface RuleSet {
  readonly entries: readonly RuleSetEntry[]
  readonly settings: EngineSettings
  /** `SecComponentSignature` texts. */
  readonly components: readonly string[]
}
