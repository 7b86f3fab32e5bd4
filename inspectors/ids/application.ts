import type { Side } from './program/program.ts'

/** Bytes of a direction that its protocol is looked for in. */
const ENOUGH = 16

/**
 * Application protocol by the first bytes of a direction, whatever the port.
 *
 * @param head first bytes seen, latin1
 * @returns name as in rule headers; null when the bytes say nothing
 */
export function detectApplication(head: string, side: Side): string | null {
  const first = head.charCodeAt(0)
  if ((first === 0x16 || first === 0x15) && head.charCodeAt(1) === 3 && head.charCodeAt(2) <= 4)
    return 'tls'
  if (head.startsWith('SSH-')) return 'ssh'
  if (/^.{4}[\u00ff\u00fe]SMB/s.test(head)) return 'smb'
  if (head.startsWith('RFB 00')) return 'rfb'
  if (side === 'request') {
    if (head.startsWith('PRI * HTTP/2.0')) return 'http2'
    if (/^[A-Z]{3,20} [^\s]/.test(head)) return 'http'
    if (/^\u0005\u0000[\u000b\u000e]/.test(head)) return 'dcerpc'
    if (/^\u0003\u0000..[^\u0000]\u00e0/s.test(head)) return 'rdp'
    return null
  }
  if (head.startsWith('HTTP/1.')) return 'http'
  if (head.startsWith('+OK')) return 'pop3'
  if (/^\* (?:OK|PREAUTH)/.test(head)) return 'imap'
  if (/^220[ -]/.test(head)) {
    if (/smtp|mail/i.test(head)) return 'smtp'
    if (/ftp/i.test(head)) return 'ftp'
  }
  return null
}

/** True when more bytes cannot change the answer of `detectApplication`. */
export function isHeadEnough(length: number): boolean {
  return length >= ENOUGH
}
