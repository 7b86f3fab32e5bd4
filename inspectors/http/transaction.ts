/**
 * One HTTP/1 exchange as the inspectors see it. All text is latin1: one character is one byte of the
 * wire. The parser fills it in as the exchange goes on.
 */
export interface HttpTransaction {
  /** Id that the block page, the response header and the alert carry (hyperid). */
  readonly id: string
  /** 0 for the first of the connection. */
  readonly index: number
  /** Milliseconds since the epoch at the first byte of the request. */
  readonly startedAt: number
  readonly request: HttpRequestHead
  /** Null until its head is complete. 1xx heads are not kept. */
  response: HttpResponseHead | null
  /** De-chunked bytes seen so far. */
  requestBodyBytes: number
  responseBodyBytes: number
  /** Offsets in the client's stream: of the request's first byte, and behind the last one that was read of it. */
  requestStart: number
  requestReadTo: number
  /** The same in the server's stream; interim responses are no part of it. */
  responseStart: number
  responseReadTo: number
  /** Fields of the chunked trailer section; empty when there is none. */
  requestTrailers: readonly HttpHeader[]
  responseTrailers: readonly HttpHeader[]
  /** Oddities the parser accepted; the names are in `http/anomaly.ts`. */
  readonly anomalies: readonly string[]
}

export interface HttpHeader {
  /** As sent. */
  readonly name: string
  readonly nameLower: string
  /** Leading and trailing blanks removed, folds replaced by one space. */
  readonly value: string
}

export interface HttpRequestHead {
  readonly method: string
  /** Request target as sent: origin, absolute, authority or asterisk form. */
  readonly target: string
  /** `HTTP/1.1` as sent. */
  readonly protocol: string
  /** Request line as sent, without CRLF. */
  readonly line: string
  readonly headers: readonly HttpHeader[]
  /** Whole head as sent, through the empty line. */
  readonly rawLatin1: string
  /** True: the head is its line and its headers as `Name: value`, CRLF after each and after all. Otherwise it is not known. */
  readonly isExact?: boolean
  readonly framing: BodyFraming
}

export interface HttpResponseHead {
  readonly protocol: string
  readonly status: number
  readonly reason: string
  readonly line: string
  readonly headers: readonly HttpHeader[]
  readonly rawLatin1: string
  /** True: the head is its line and its headers as `Name: value`, CRLF after each and after all. Otherwise it is not known. */
  readonly isExact?: boolean
  readonly framing: BodyFraming
}

/** How the end of a body is found (RFC 9112 section 6.3). */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' }

/** First value of a field, or null. `nameLower` is in lower case. */
export function headerValue(headers: readonly HttpHeader[], nameLower: string): string | null {
  for (const header of headers) if (header.nameLower === nameLower) return header.value
  return null
}
