/** What `portcullis demo --json` prints. */
export interface DemoResult {
  readonly benign: { sent: number; ok: number }
  readonly attacks: { sent: number; blocked: number }
  clientAddressPreserved: boolean
  establishedSurvived: boolean
  /** Connections that were opened after the worker was killed and failed. */
  workerKillFailures: number
  detachRestored: boolean
  /** Alert records in the inbox at the end. */
  alerts: number
  /** Median milliseconds that the chain adds to a GET on a connection of its own. */
  p50AddedMs: number
}

export function emptyResult(): DemoResult {
  return {
    benign: { sent: 0, ok: 0 },
    attacks: { sent: 0, blocked: 0 },
    clientAddressPreserved: false,
    establishedSurvived: false,
    workerKillFailures: -1,
    detachRestored: false,
    alerts: 0,
    p50AddedMs: Number.NaN,
  }
}
