import { HEADER_BYTES, readHeader } from './dcerpc/pdu.ts'
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

const NO_BYTES = Buffer.alloc(0)

/** Collects the beginnings of both directions until they tell the protocol. */
export class ApplicationDetector {
  readonly #heads: Record<Side, Buffer> = { request: NO_BYTES, response: NO_BYTES }
  readonly #spoken: Record<Side, string | null> = { request: null, response: null }

  /**
   * @returns the protocol; `failed` when enough of both directions was seen and neither tells; null when
   * more is needed
   */
  push(side: Side, chunk: Buffer): string | null {
    const room = MAX_HEAD_BYTES - this.#heads[side].length
    if (room <= 0 || this.#spoken[side] !== null) return this.#spoken[side]
    // Most protocols are told by the first chunk: nothing has to be kept of it then.
    const isFirst = room === MAX_HEAD_BYTES
    const first = isFirst ? detectApplication(chunk.toString('latin1', 0, room), side) : null
    if (first !== null) {
      this.#spoken[side] = first
      return first
    }
    this.#heads[side] = Buffer.concat([this.#heads[side], chunk.subarray(0, room)])
    const found = isFirst ? null : detectApplication(this.#heads[side].toString('latin1'), side)
    this.#spoken[side] = found
    if (found !== null) return found
    const { request, response } = this.#heads
    return request.length >= ENOUGH && response.length >= ENOUGH ? 'failed' : null
  }

  /** What the direction's own bytes say; null: nothing. */
  spoken(side: Side): string | null {
    return this.#spoken[side]
  }

  /** So much of the direction was seen that it will not tell any more. */
  isFull(side: Side): boolean {
    return this.#heads[side].length >= MAX_HEAD_BYTES
  }

  /** What was collected of a direction before its newest chunk: whole while it is short. */
  before(side: Side, chunk: Buffer): Buffer {
    const head = this.#heads[side]
    return head.subarray(0, Math.max(0, head.length - Math.min(chunk.length, MAX_HEAD_BYTES)))
  }
}
