import type { AlertSink, HopContext } from '../chain/hop.ts'
import { dnsFields } from '../ids/capture/eve/dns-record.ts'
import { protocolName, TCP, UDP } from '../ids/capture/packet.ts'
import type { Replay } from '../ids/capture/replay.ts'
import type { ReplayFlow } from '../ids/capture/replay-flow.ts'
import type { DnsMessage } from '../ids/dns/message.ts'
import type { Outcome } from '../ids/findings.ts'
import type { HttpTransaction } from '../http/transaction.ts'
import type { Alert, Connection } from '../inspector.ts'

type Observer = ConstructorParameters<typeof Replay>[1]['observer']

/**
 * Alerts about mirrored traffic, as records of the hop that found them. Nothing can be stopped here, so all of
 * them say `passed`.
 *
 * @param told called for each
 */
export function tapObserver(sink: AlertSink, context: HopContext, told: () => void): Observer {
  const ignore = (): void => {}
  return {
    outcome(of: ReplayFlow, outcome: Outcome): void {
      for (const { alert, flow, transaction } of outcome.findings) {
        told()
        sink.alert({
          context,
          connection: connectionOf(of),
          transaction: isHttp(transaction) ? transaction : null,
          alert: isDns(transaction) ? withMessage(alert, transaction) : alert,
          verdict: 'passed',
          flow,
        })
      }
    },
    http: ignore,
    body: ignore,
    file: ignore,
    dns: ignore,
    tls: ignore,
    drop: ignore,
    flow: ignore,
  }
}

function connectionOf({ connection, protocol }: ReplayFlow): Connection {
  if (protocol === TCP) return connection
  if (protocol === UDP) return { ...connection, protocol: 'udp' }
  return { ...connection, otherProtocol: protocolName(protocol) }
}

const isHttp = (transaction: object | null): transaction is HttpTransaction =>
  transaction !== null && 'request' in transaction

const isDns = (
  transaction: object | null,
): transaction is { readonly message: DnsMessage; readonly index: number } =>
  transaction !== null && 'message' in transaction

function withMessage(
  alert: Alert,
  { message, index }: { readonly message: DnsMessage; readonly index: number },
): Alert {
  return { ...alert, application: { name: 'dns', fields: dnsFields(message, index) } }
}
