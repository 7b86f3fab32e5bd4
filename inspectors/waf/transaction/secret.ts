/** A variable that `sanitise...` actions keep out of the audit log. */
export interface Secret {
  /** `ARGS:password`, the name after the colon in lower case. */
  readonly variable: string
  /** Null: the whole value. */
  readonly bytes: {
    /** What matched. */
    readonly text: string
    readonly keepFirst: number
    readonly keepLast: number
  } | null
}
