/** What runs a pattern. Offsets are those of the latin1 value; see `CompiledPattern` for the rest. */
export interface Engine {
  test(value: string, from: number): boolean
  /** @returns start of the match or -1 */
  exec(value: string, from: number): number
  /** End of the last `exec`'s match, -1 when it had none. */
  readonly end: number
  capture(group: number): string | null
  /** The last call ended at a budget and not with an answer. */
  readonly exhausted: boolean
}
