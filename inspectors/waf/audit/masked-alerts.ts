import type { HttpHeader } from '#inspectors/http/transaction.ts'
import type { Alert, QuotedHttp } from '#inspectors/inspector.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { Masks } from './masks.ts'

/** Alerts without the values that `sanitise...` actions have named so far. */
export function maskedAlerts(transaction: Transaction, alerts: readonly Alert[]): readonly Alert[] {
  if (transaction.secrets === null || alerts.length === 0) return alerts
  const masks = new Masks(transaction)
  const { request, response } = transaction.http
  const fields = (
    collection: 'REQUEST_HEADERS' | 'RESPONSE_HEADERS',
    headers: readonly HttpHeader[],
  ): HttpHeader[] =>
    masks
      .headers(collection, headers)
      .map(({ name, value }) => ({ name, nameLower: name.toLowerCase(), value }))
  const quoted: QuotedHttp = {
    target: masks.text(masks.target(request.target)),
    requestHeaders: fields('REQUEST_HEADERS', request.headers),
    responseHeaders: fields('RESPONSE_HEADERS', response?.headers ?? []),
  }
  return alerts.map((alert) => ({
    ...alert,
    quoted,
    message: masks.text(alert.message),
    ...(alert.logdata === undefined ? {} : { logdata: masks.text(alert.logdata) }),
    matches: alert.matches.map((match) => ({
      ...match,
      valueLatin1: masks.text(match.valueLatin1),
    })),
  }))
}
