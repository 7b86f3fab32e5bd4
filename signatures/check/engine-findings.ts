/** What one engine's parser said about the files it was given. Maps are by path. */
export interface EngineFindings {
  readonly accepted: ReadonlyMap<string, number>
  readonly disabled: ReadonlyMap<string, number>
  readonly findings: readonly Finding[]
}

export interface Finding {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly code: string
  readonly reason: string
  /** First line of the rule or directive: findings with one file and unit are one rejection. */
  readonly unit: number
}
