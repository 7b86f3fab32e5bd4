import type { InspectorMode, InspectorType, OnFailure } from '#chain/model/chain.ts'
import { newHopCounters } from '#inspectors/chain/counters.ts'
import type { AlertEvent, Hop } from '#inspectors/chain/hop.ts'
import {
  PASS,
  type Alert,
  type Connection,
  type ConnectionInspector,
} from '#inspectors/inspector.ts'
import type { FlushableSink } from '#inspectors/proxy/flow-services.ts'

/** An inspector whose answers a test writes; what is not written passes. */
export type Script = Partial<ConnectionInspector> & {
  readonly onOpen?: (connection: Connection) => void
}

export interface HopOptions {
  readonly type?: InspectorType
  readonly mode?: InspectorMode
  readonly onFailure?: OnFailure
}

export function scriptedHop(script: Script, options: HopOptions = {}): Hop {
  const { type = 'waf', mode = 'block', onFailure = 'closed' } = options
  return {
    onFailure,
    counters: newHopCounters(),
    context: { tenant: 't', port: 'p', attachment: 'a', chain: 'c', inspector: type, mode },
    inspector: {
      type,
      mode,
      ruleCount: 1,
      open: (connection) => {
        script.onOpen?.(connection)
        return {
          bytes: () => PASS,
          requestHead: () => PASS,
          holdsRequestBody: () => false,
          requestBody: () => PASS,
          requestEnd: () => PASS,
          responseHead: () => PASS,
          holdsResponseBody: () => false,
          responseBody: () => PASS,
          responseEnd: () => PASS,
          transactionEnd: () => PASS,
          close: () => PASS,
          ...script,
        }
      },
    },
  }
}

export function testAlert(signatureId: number): Alert {
  return {
    gid: 1,
    signatureId,
    rev: 1,
    message: `rule ${signatureId}`,
    category: 'test',
    severity: 2,
    metadata: {},
    references: [],
    matches: [],
    source: 'test.rules:1',
    decisive: true,
  }
}

export class CollectingSink implements FlushableSink {
  readonly events: AlertEvent[] = []
  flushes = 0
  isPending = false

  alert(event: AlertEvent): void {
    this.events.push(event)
    this.isPending = true
  }
  flush(): void {
    if (!this.isPending) return
    this.isPending = false
    this.flushes++
  }
  /** `verdict:id` of each alert in order. */
  get summary(): string[] {
    return this.events.map(({ verdict, alert }) => `${verdict}:${alert.signatureId}`)
  }
}

export const testConnection: Connection = {
  id: 'connection-1',
  flowId: 7,
  clientAddress: '10.0.0.1',
  clientPort: 40_000,
  serverAddress: '10.0.0.2',
  serverPort: 80,
  openedAt: 0,
}
