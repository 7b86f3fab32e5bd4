import type { Anomaly } from '../http/anomaly.ts'
import { headerValue, type HttpTransaction } from '../http/transaction.ts'
import { MAX_DISCARDED_BYTES } from './limits.ts'

/** Oddities that say nothing about where a request ends. */
const HARMLESS: ReadonlySet<Anomaly> = new Set<Anomaly>(['eight-bit-target', 'absolute-form'])

/**
 * True when a connection can go on after its request was answered in place of the server: both sides know
 * where the request ends, what is still to come of it is little, and the client wants it.
 *
 * @param isEnded all of the request was received
 * @see RFC 9112 section 9.3
 */
export function mayKeepOpen(transaction: HttpTransaction, isEnded: boolean): boolean {
  const { request, anomalies } = transaction
  const { headers, framing, method } = request
  if (!anomalies.every((anomaly) => HARMLESS.has(anomaly as Anomaly))) return false
  if (method === 'CONNECT' || headerValue(headers, 'upgrade') !== null) return false
  if (!wantsMore(request)) return false
  if (isEnded || framing.kind === 'none') return true
  // Who waits for a 100 may send the body all the same, or not.
  if (headerValue(headers, 'expect') !== null) return false
  return (
    framing.kind === 'length' && framing.bytes - transaction.requestBodyBytes <= MAX_DISCARDED_BYTES
  )
}

/** What the answer has to say about the connection. */
export function connectionField(transaction: HttpTransaction): 'keep-alive' | null {
  return transaction.request.protocol === 'HTTP/1.0' ? 'keep-alive' : null
}

function wantsMore({ protocol, headers }: HttpTransaction['request']): boolean {
  let isKept = protocol === 'HTTP/1.1'
  for (const { nameLower, value } of headers) {
    if (nameLower !== 'connection' && nameLower !== 'proxy-connection') continue
    const options = value.toLowerCase().split(',')
    for (const option of options) {
      const name = option.trim()
      if (name === 'close') return false
      if (name === 'keep-alive' && protocol === 'HTTP/1.0') isKept = true
    }
  }
  return isKept
}
