/**
 * TLS records of one direction, as far as they are in clear text.
 *
 *   record    := type(1) version(2) length(2) fragment          RFC 8446, 5.1
 *   handshake := type(1) length(3) body                         RFC 8446, 4
 *
 * A handshake message may be cut over records and a record may hold several; both are put together here.
 */
import { MAX_HANDSHAKE_BYTES } from '../limits.ts'

const CHANGE_CIPHER_SPEC = 20
const ALERT = 21
const HANDSHAKE = 22
const APPLICATION_DATA = 23
/** Largest fragment: 2^14 and what encryption may add. */
const MAX_FRAGMENT = 18_432

export interface HandshakeMessage {
  readonly type: number
  readonly body: Buffer
  /** In the form of SSL 2: the record is the message, without its length. */
  readonly isSslV2: boolean
}

const NO_BYTES = Buffer.alloc(0)

export class HandshakeReader {
  #records: Buffer = NO_BYTES
  #messages: Buffer = NO_BYTES
  #seen = 0
  #encrypted = false
  #failed = false
  #isFirst = true

  /** What follows cannot be read: keys are in use. */
  get encrypted(): boolean {
    return this.#encrypted
  }

  /** Not TLS, or more handshake than MAX_HANDSHAKE_BYTES. */
  get failed(): boolean {
    return this.#failed
  }

  /** Bytes are missing: what follows cannot be read. */
  giveUp(): void {
    if (!this.#encrypted) this.#failed = true
    this.#records = NO_BYTES
  }

  /** @returns handshake messages that this chunk completes, in order */
  push(chunk: Buffer): HandshakeMessage[] {
    const found: HandshakeMessage[] = []
    if (this.#encrypted || this.#failed) return found
    this.#records = this.#records.length === 0 ? chunk : Buffer.concat([this.#records, chunk])
    let at = this.#isFirst ? this.#sslV2(found) : 0
    if (at < 0) {
      this.#records = Buffer.from(this.#records)
      return found
    }
    while (this.#records.length - at >= 5 && !this.#encrypted && !this.#failed) {
      const length = this.#records.readUInt16BE(at + 3)
      if (this.#records[at + 1] !== 3 || length > MAX_FRAGMENT) {
        this.#failed = true
        break
      }
      if (this.#records.length - at - 5 < length) break
      this.#record(this.#records[at], this.#records.subarray(at + 5, at + 5 + length), found)
      at += 5 + length
    }
    // Kept bytes outlive the caller's chunk.
    this.#records =
      this.#encrypted || this.#failed ? NO_BYTES : Buffer.from(this.#records.subarray(at))
    return found
  }

  /**
   * A ClientHello of SSL 2 may come before records of TLS.
   *
   * @returns bytes of it; 0: it is none; -1: more are needed
   */
  #sslV2(found: HandshakeMessage[]): number {
    const data = this.#records
    if (data.length < 5) return data.length > 0 && (data[0] & 0x80) !== 0 ? -1 : 0
    this.#isFirst = false
    if ((data[0] & 0x80) === 0 || data[2] !== 1 || (data[3] !== 0 && data[3] !== 3)) return 0
    const length = ((data[0] & 0x7f) << 8) | data[1]
    if (data.length < 2 + length) {
      this.#isFirst = true
      return -1
    }
    found.push({ type: 1, body: data.subarray(2, 2 + length), isSslV2: true })
    return 2 + length
  }

  #record(type: number, fragment: Buffer, found: HandshakeMessage[]): void {
    if (type === CHANGE_CIPHER_SPEC || type === APPLICATION_DATA) {
      this.#encrypted = true
      return
    }
    if (type === ALERT) return
    if (type !== HANDSHAKE) {
      this.#failed = true
      return
    }
    this.#seen += fragment.length
    if (this.#seen > MAX_HANDSHAKE_BYTES) {
      this.#failed = true
      return
    }
    this.#messages = Buffer.concat([this.#messages, fragment])
    while (this.#messages.length >= 4) {
      const length = this.#messages.readUIntBE(1, 3)
      if (this.#messages.length < 4 + length) return
      found.push({
        type: this.#messages[0],
        body: this.#messages.subarray(4, 4 + length),
        isSslV2: false,
      })
      this.#messages = this.#messages.subarray(4 + length)
    }
  }
}
