/**
 * What the parser accepts although a careful sender would not send it. The names are the entries of
 * `HttpTransaction.anomalies`, each at most once per transaction.
 */
export type Anomaly =
  /** Empty lines before the request line (RFC 9112 section 2.2 wants them ignored). */
  | 'leading-empty-line'
  /** Transfer-Encoding wins, and no further request is accepted on the connection (section 6.3). */
  | 'content-length-with-transfer-encoding'
  /** Several equal Content-Length values. */
  | 'repeated-content-length'
  /** Version in the request line other than HTTP/1.0 and HTTP/1.1. */
  | 'unusual-version'
  /** Bytes above 0x7f in the request target. */
  | 'eight-bit-target'
  /** Scheme and authority in the request target; the Host field may say something else. */
  | 'absolute-form'
  /** Body with GET, HEAD, OPTIONS, TRACE or CONNECT. */
  | 'unusual-body'
  | 'chunk-extension'
  /** Final response before the end of the request. */
  | 'early-response'
  /** Response only: line ends in LF without CR. */
  | 'bare-lf'
  /** Response only: folded field line, read as one with a space. */
  | 'folded-field'
  /** Response only: control character in a field value. */
  | 'control-character'
  /** Response only: blanks after a chunk size. */
  | 'padded-chunk-size'
  /** Response only: framing fields where the status or the method rules out a body. */
  | 'forbidden-body'

/** Adds a name once. */
export function note(anomalies: Anomaly[], anomaly: Anomaly): void {
  if (!anomalies.includes(anomaly)) anomalies.push(anomaly)
}
