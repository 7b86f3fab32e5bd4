import type { AlertSink } from '../chain/hop.ts'
import type { RateLimit } from '../chain/rate-limit.ts'
import type { HttpExchangeOptions } from '../http/exchange-parser.ts'
import type { HeldBudget } from './lane.ts'

/** Plain numbers of a worker's data path. */
export interface ProxyCounters {
  connections: number
  refusedConnections: number
  unresolvedConnections: number
  upstreamFailures: number
  idleResets: number
  requests: number
  otherProtocols: number
  bytesToServer: number
  bytesToClient: number
}

export function newProxyCounters(): ProxyCounters {
  return {
    connections: 0,
    refusedConnections: 0,
    unresolvedConnections: 0,
    upstreamFailures: 0,
    idleResets: 0,
    requests: 0,
    otherProtocols: 0,
    bytesToServer: 0,
    bytesToClient: 0,
  }
}

/** Alerts are gathered within a turn of the event loop; `flush` puts them on disk. */
export interface FlushableSink extends AlertSink {
  /** Something was told that is not on disk. */
  readonly isPending: boolean
  flush(): void
}

/** What all flows of a worker share. */
export interface FlowServices {
  readonly sink: FlushableSink
  readonly http: HttpExchangeOptions
  readonly heldBudget: HeldBudget
  readonly counters: ProxyCounters
  /** Of alerts about malformed messages that were let pass. */
  readonly violationAlerts: RateLimit
  readonly failureAlerts: RateLimit
}
