import { HEADER_BYTES, readHeader } from './dcerpc/pdu.ts'
import type { Direction } from './direction.ts'
import type { Side } from './program/compiled-rule.ts'

/** Bytes of a direction that its protocol is looked for in. */
export const MAX_HEAD_BYTES = 512
/** Bytes without which a direction does not count as unknown. */
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
  if (head.startsWith('SMB', 5) && head.charCodeAt(4) >= 0xfe) return 'smb'
  if (head.startsWith('RFB 00')) return 'rfb'
  if (first === 5 && head.length >= HEADER_BYTES && isDcerpc(head)) return 'dcerpc'
  return side === 'request' ? clientFirst(head) : serverFirst(head)
}

function isDcerpc(head: string): boolean {
  return readHeader(Buffer.from(head, 'latin1'), 0) !== null
}

function clientFirst(head: string): string | null {
  if (isSslV2Hello(head)) return 'tls'
  if (head.startsWith('PRI * HTTP/2.0')) return 'http2'
  if (/^(?:EHLO|HELO) /i.test(head)) return 'smtp'
  // Logging in is done with the same words in several protocols: the server tells which.
  if (/^(?:USER|PASS|AUTH|FEAT|QUIT) /.test(head)) return null
  if (/^[A-Z]{3,20}[ \t]{1,8}\S/.test(head)) return 'http'
  if (head.charCodeAt(0) === 3 && head.charCodeAt(1) === 0 && head.charCodeAt(5) === 0xe0)
    return 'rdp'
  return null
}

/** A ClientHello as SSL 2 has it: length with the high bit set, type 1, version, suites of three bytes each. */
function isSslV2Hello(head: string): boolean {
  if (head.length < 7 || (head.charCodeAt(0) & 0x80) === 0 || head.charCodeAt(2) !== 1) return false
  const [major, minor] = [head.charCodeAt(3), head.charCodeAt(4)]
  const isVersion = (major === 3 && minor <= 4) || (major === 0 && minor === 2)
  const suiteBytes = (head.charCodeAt(5) << 8) | head.charCodeAt(6)
  return isVersion && suiteBytes > 0 && suiteBytes % 3 === 0
}

function serverFirst(head: string): string | null {
  if (head.startsWith('HTTP/1.')) return 'http'
  if (head.startsWith('+OK')) return 'pop3'
  if (/^\* (?:OK|PREAUTH)/.test(head)) return 'imap'
  if (!/^220[ -]/.test(head)) return null
  if (/smtp|mail/i.test(head)) return 'smtp'
  return /ftp/i.test(head) ? 'ftp' : null
}

/**
 * Takes a chunk of a direction whose bytes have told no protocol yet, and keeps what may still tell one.
 *
 * @returns the protocol; `failed` when enough of both directions was seen and neither tells; null when
 * more is needed
 */
export function learnApplication(
  own: Direction,
  other: Direction,
  side: Side,
  chunk: Buffer,
): string | null {
  const room = MAX_HEAD_BYTES - own.head.length
  if (room <= 0) return null
  // Most protocols are told by the first chunk: nothing has to be kept of it then.
  const isFirst = room === MAX_HEAD_BYTES
  own.spoken = isFirst ? detectApplication(chunk.toString('latin1', 0, room), side) : null
  if (own.spoken !== null) return own.spoken
  own.head = Buffer.concat([own.head, chunk.subarray(0, room)])
  if (!isFirst) own.spoken = detectApplication(own.head.toString('latin1'), side)
  if (own.spoken !== null) return own.spoken
  return own.head.length >= ENOUGH && other.head.length >= ENOUGH ? 'failed' : null
}

/** So much of the direction was seen that it will not tell any more. */
export function isHeadFull({ head }: Direction): boolean {
  return head.length >= MAX_HEAD_BYTES
}

/** What was collected of a direction before its newest chunk: whole while it is short. */
export function headBefore({ head }: Direction, chunk: Buffer): Buffer {
  return head.subarray(0, Math.max(0, head.length - Math.min(chunk.length, MAX_HEAD_BYTES)))
}
