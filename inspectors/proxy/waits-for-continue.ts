import { headerValue, type HttpTransaction } from '../http/transaction.ts'

export const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

/** True when the client sends its body only after a `100 Continue` (RFC 9110 section 10.1.1). */
export function waitsForContinue(request: HttpTransaction['request']): boolean {
  if (request.framing.kind === 'none' || request.protocol === 'HTTP/1.0') return false
  return headerValue(request.headers, 'expect')?.toLowerCase() === '100-continue'
}
