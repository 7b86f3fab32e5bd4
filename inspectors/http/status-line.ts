import type { HttpErrorCode } from './http-error.ts'

export interface StatusLine {
  readonly line: string
  readonly protocol: string
  readonly status: number
  readonly reason: string
}

const STATUS_LINE = /^(HTTP\/1\.[01]) ([1-9][0-9]{2})(?: ([^\0\r]*))?$/

/**
 * RFC 9112 section 4; the blank before an absent reason may be missing, as it is with many servers:
 *
 *     status-line = HTTP-version SP status-code SP [ reason-phrase ]
 */
export function readStatusLine(line: string): StatusLine | HttpErrorCode {
  const parts = STATUS_LINE.exec(line)
  if (parts === null) return 'invalid-status-line'
  return { line, protocol: parts[1], status: Number(parts[2]), reason: parts[3] ?? '' }
}
