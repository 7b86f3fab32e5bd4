/** One file of a rule set; `path` is relative to its root, with `/`. */
export interface RuleFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** A rule or directive that the engines would not load. */
export interface RuleRejection {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  /** Stable word for grouping and for scripts: `unknown-operator`. */
  readonly code: string
  /** For people. */
  readonly reason: string
  /** The line at fault (latin1), or the MAX_EXCERPT characters of it around the column. */
  readonly text?: string
  /** Column of the fault within `text`. */
  readonly textColumn?: number
}

/** Longest excerpt of a rule in a report, and most rejections that are listed (all are counted). */
export const MAX_EXCERPT = 400
export const MAX_LISTED_REJECTIONS = 10_000

/** What `checkRuleFiles` found; also the body of the API's answer to an upload. */
export interface RuleCheckReport {
  /** Rules the engines load. */
  readonly accepted: number
  readonly rejected: number
  /** Rules that are commented out in the file (Suricata) and would parse. */
  readonly disabled: number
  /** Entries of `rejections` by code, most frequent first; counts those beyond the list too. */
  readonly byReason: Readonly<Record<string, number>>
  /** A rule with several errors is here once for each. At most MAX_LISTED_REJECTIONS. */
  readonly rejections: readonly RuleRejection[]
  readonly files: readonly RuleFileSummary[]
}

export interface RuleFileSummary {
  readonly path: string
  readonly kind: RuleFileKind
  readonly accepted: number
  readonly rejected: number
  readonly disabled: number
}

/**
 * `data`: read by rules (`@pmFromFile`) or by the rule parser (`classification.config`); `unread`: SecLang
 * in a folder that workers do not read (neither the top, `rules/`, `plugins/` nor included); `other`: carried along and not read (licence, readme). */
export type RuleFileKind = 'seclang' | 'suricata' | 'data' | 'unread' | 'other'
