import type { Flow } from '../inspector.ts'

/**
 * Why a message was refused. Request errors carry the status to answer with; response errors 502.
 * A message is refused where the next hop could read it differently: its bytes are forwarded unchanged,
 * so what cannot be read in one way only must not pass.
 */
export type HttpErrorCode = keyof typeof ERRORS

export interface HttpError {
  /** Direction whose bytes are at fault. */
  readonly flow: Flow
  readonly code: HttpErrorCode
  /** Status to answer the client with where `closeWithoutReply` is false. */
  readonly status: number
  /** For the log and the alert; holds no bytes of the peer. */
  readonly message: string
  /** True: close the connection, there is nobody to answer or no safe answer. */
  readonly closeWithoutReply: boolean
  /** Absolute offset in the direction's stream near which it was found. */
  readonly offset: number
  /** Responses still owed to requests before the one at fault; an answer has to wait for them. */
  readonly pendingResponses: number
}

interface ErrorKind {
  /** Status for a request; null: close without a reply. Responses answer 502. */
  readonly status: number | null
  readonly message: string
}

const ERRORS = {
  'leading-blank': { status: 400, message: 'blank or control character before the method' },
  'too-many-empty-lines': { status: 400, message: 'too many empty lines before the request line' },
  'bare-lf': { status: 400, message: 'line ends in LF without CR' },
  'bare-cr': { status: 400, message: 'CR that is not followed by LF' },
  'invalid-method': { status: 400, message: 'method is not a token' },
  'method-too-long': { status: 501, message: 'method exceeds methodBytes' },
  'invalid-request-line': { status: 400, message: 'request line is not method, target, version' },
  'http-0.9': { status: null, message: 'request line has no version' },
  'invalid-version': { status: 400, message: 'version is not HTTP/1.0 or above' },
  'invalid-target': { status: 400, message: 'request target is malformed' },
  'target-too-long': { status: 414, message: 'request target exceeds targetBytes' },
  'http2-preface': { status: null, message: 'HTTP/2 connection preface' },
  'head-too-large': { status: 431, message: 'head exceeds headBytes' },
  'field-too-large': { status: 431, message: 'field line exceeds fieldBytes' },
  'too-many-fields': { status: 431, message: 'head has more than fieldCount fields' },
  'invalid-field-name': { status: 400, message: 'field name is not a token' },
  'space-before-colon': { status: 400, message: 'blank between field name and colon' },
  'missing-colon': { status: 400, message: 'field line has no colon' },
  'folded-field': { status: 400, message: 'field line is folded' },
  'padded-framing-field': { status: 400, message: 'tab or trailing blank in a framing field' },
  'control-character': { status: 400, message: 'control character in a field value' },
  'missing-host': { status: 400, message: 'request without Host' },
  'repeated-host': { status: 400, message: 'more than one Host' },
  'invalid-host': { status: 400, message: 'Host is malformed' },
  'invalid-content-length': { status: 400, message: 'Content-Length is not a decimal number' },
  'conflicting-content-length': { status: 400, message: 'Content-Length values differ' },
  'invalid-transfer-encoding': {
    status: 400,
    message: 'Transfer-Encoding is not exactly "chunked"',
  },
  'transfer-encoding-in-1.0': { status: 400, message: 'Transfer-Encoding in an HTTP/1.0 message' },
  'conflicting-framing': { status: 400, message: 'Content-Length beside Transfer-Encoding' },
  'request-after-conflict': {
    status: null,
    message: 'request after one with Content-Length and Transfer-Encoding',
  },
  'invalid-chunk-size': { status: 400, message: 'chunk size is malformed' },
  'invalid-chunk-extension': { status: 400, message: 'chunk extension is malformed' },
  'chunk-extensions-too-large': { status: 400, message: 'extensions exceed chunkExtensionBytes' },
  'invalid-chunk-end': { status: 400, message: 'chunk data is not followed by CRLF' },
  'trailers-too-large': { status: 431, message: 'trailers exceed trailerBytes or trailerCount' },
  'forbidden-trailer': { status: 400, message: 'trailer field that belongs in the head' },
  'held-too-much': { status: null, message: 'client bytes exceed heldBytes' },
  'request-cut-off': { status: null, message: 'client closed within a request' },
  'invalid-status-line': { status: 502, message: 'status line is malformed' },
  'unexpected-response': { status: null, message: 'response without a request' },
  'unexpected-upgrade': { status: 502, message: '101 for a request without Upgrade' },
  'too-many-interim-responses': { status: 502, message: 'more than interimResponses 1xx heads' },
  'response-cut-off': { status: null, message: 'server closed within a response' },
  'response-missing': { status: null, message: 'server closed without a response' },
} as const satisfies Record<string, ErrorKind>

/** Makes the event's value; everything but the position comes from the table. */
export function httpError(
  flow: Flow,
  code: HttpErrorCode,
  offset: number,
  pendingResponses: number,
): HttpError {
  const kind: ErrorKind = ERRORS[code]
  return {
    flow,
    code,
    status: flow === 'to_client' ? 502 : (kind.status ?? 400),
    message: kind.message,
    closeWithoutReply: kind.status === null,
    offset,
    pendingResponses,
  }
}
