import type { ChainFold } from '../chain/fold.ts'
import type { AlertVerdict } from '../chain/hop.ts'
import type { RateLimit } from '../chain/rate-limit.ts'
import { serviceAlert } from '../chain/service-alert.ts'
import type { HttpError } from '../http/http-error.ts'
import { headerValue, type HttpTransaction } from '../http/transaction.ts'
import type { Alert } from '../inspector.ts'

/**
 * What becomes of a message the parser refuses. Behind a WAF that blocks it must not reach the server,
 * which might read it in another way than the rules did. Without one it passes as raw bytes: an IDS
 * reports and does not repair.
 */
export interface Judgement {
  /** `answer`: with `status`, or with a FIN where it is null. `raw`: on without parsing. */
  readonly action: 'answer' | 'reset' | 'raw'
  readonly status: number | null
  readonly alert: Alert | null
  readonly verdict: Extract<AlertVerdict, 'passed' | 'blocked' | 'dropped'>
}

/** Ends of a connection in the middle of a message: an event of every day, not worth an alert. */
const CUT_OFF: ReadonlySet<string> = new Set([
  'request-cut-off',
  'response-cut-off',
  'response-missing',
])

/**
 * @param enforces     a WAF in mode `block` is live
 * @param isAnswering  bytes of a response are with the client, so no other answer can be given
 */
export function judgeHttpError(
  error: HttpError,
  enforces: boolean,
  isAnswering: boolean,
): Judgement {
  const isRequest = error.flow === 'to_server'
  const alertOf = (decisive: boolean): Alert | null =>
    CUT_OFF.has(error.code)
      ? null
      : serviceAlert(
          isRequest ? 'malformed-request' : 'malformed-response',
          `malformed HTTP ${isRequest ? 'request' : 'response'}: ${error.message}`,
          decisive,
        )
  if (!enforces) {
    return { action: 'raw', status: null, alert: alertOf(false), verdict: 'passed' }
  }
  const alert = alertOf(true)
  if (!isRequest && isAnswering) {
    // The client already has a part: what is missing must look like what it is.
    return { action: 'reset', status: null, alert, verdict: 'dropped' }
  }
  return {
    action: 'answer',
    status: error.closeWithoutReply ? null : error.status,
    alert,
    verdict: 'blocked',
  }
}

/**
 * A tunnel that carries HTTP/2 would take requests past the rules. The client asked for it in the open
 * (RFC 7540 section 3.2, since withdrawn), so this is the known way round a proxy.
 */
export function judgeTunnel(
  transaction: HttpTransaction,
  enforces: boolean,
): { readonly alert: Alert; readonly verdict: AlertVerdict } | null {
  const { response } = transaction
  if (response?.status !== 101) return null
  const upgrade = headerValue(response.headers, 'upgrade')?.toLowerCase() ?? ''
  if (!/\bh2c?\b/.test(upgrade)) return null
  return {
    alert: serviceAlert('uninspectable-upgrade', 'connection upgraded to HTTP/2', enforces),
    verdict: enforces ? 'dropped' : 'passed',
  }
}

/**
 * Judges a message that was refused and tells of it.
 *
 * @param transaction  of the request that could not be read to its end; null: there is none
 * @param alerts       bounds how often messages that are let pass are told of
 */
export function reportHttpError(
  error: HttpError,
  transaction: HttpTransaction | null,
  isAnswering: boolean,
  { fold, alerts }: { readonly fold: ChainFold; readonly alerts: RateLimit },
): Judgement {
  const judgement = judgeHttpError(error, fold.enforcesHttp, isAnswering)
  const { alert, verdict, status } = judgement
  if (alert !== null) {
    const withheld = verdict === 'passed' ? alerts.take(`${error.flow}/${error.code}`) : 0
    if (withheld !== null) fold.report(alert, verdict, error.flow, transaction)
  }
  if (verdict !== 'passed') fold.pending.conclude(verdict, transaction, status)
  return judgement
}

/** @returns `dropped` when the connection must end, with the alert told */
export function reportTunnel(transaction: HttpTransaction, fold: ChainFold): 'passed' | 'dropped' {
  const violation = judgeTunnel(transaction, fold.enforcesHttp)
  if (violation === null) return 'passed'
  fold.report(violation.alert, violation.verdict, 'to_client', transaction)
  if (violation.verdict !== 'dropped') return 'passed'
  fold.pending.conclude('dropped', null, null)
  return 'dropped'
}
