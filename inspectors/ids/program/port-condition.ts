/** What a rule asks of a port, and the ports at which the answer may change. */
export interface PortCondition {
  readonly holds: (port: number) => boolean
  readonly bounds: readonly number[]
}
