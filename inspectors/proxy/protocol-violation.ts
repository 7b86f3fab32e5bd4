import type { AlertVerdict } from '../chain/hop.ts'
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
