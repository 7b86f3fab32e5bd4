import type {
  HttpRequestHead,
  HttpResponseHead,
  HttpTransaction,
} from '#inspectors/http/transaction.ts'

/** A transaction that nobody parsed: a GET without anything, but for what a test says. */
export function testTransaction(
  fields: Partial<Omit<HttpTransaction, 'request'>> & {
    readonly request?: Partial<HttpRequestHead>
  } = {},
): HttpTransaction {
  return {
    id: 'tx',
    index: 0,
    startedAt: 0,
    response: null,
    requestBodyBytes: 0,
    responseBodyBytes: 0,
    requestStart: 0,
    requestReadTo: 0,
    responseStart: 0,
    responseReadTo: 0,
    requestTrailers: [],
    responseTrailers: [],
    anomalies: [],
    ...fields,
    request: {
      method: 'GET',
      target: '/',
      protocol: 'HTTP/1.1',
      line: '',
      headers: [],
      rawLatin1: '',
      framing: { kind: 'none' },
      ...fields.request,
    },
  }
}

/** Its response, in the same way. */
export function testResponse(fields: Partial<HttpResponseHead> = {}): HttpResponseHead {
  return {
    protocol: 'HTTP/1.1',
    status: 200,
    reason: '',
    line: '',
    headers: [],
    rawLatin1: '',
    framing: { kind: 'none' },
    ...fields,
  }
}
