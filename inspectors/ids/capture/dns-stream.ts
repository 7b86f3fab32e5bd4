import { type DnsMessage, MAX_QUESTIONS } from '../dns/message.ts'

/** A DNS message of a flow, and which transaction of the flow it belongs to. */
export interface DnsLog {
  readonly message: DnsMessage
  readonly index: number
}

/** Bytes of a message that has not come whole. */
const MAX_MESSAGE_BYTES = 65_537

/** DNS messages of one direction of a TCP connection: each has its length before it (RFC 1035, 4.2.2). */
export class DnsStream {
  #held: Buffer = Buffer.alloc(0)

  /** Bytes are missing: what follows begins with a message again, as senders mostly write whole ones. */
  gap(): void {
    this.#held = Buffer.alloc(0)
  }

  /** @returns the messages that these bytes complete */
  push(bytes: Buffer): Buffer[] {
    let data = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    const messages: Buffer[] = []
    while (data.length >= 2) {
      const length = data.readUInt16BE(0)
      if (data.length < 2 + length) break
      messages.push(data.subarray(2, 2 + length))
      data = data.subarray(2 + length)
    }
    this.#held = Buffer.from(data.subarray(0, MAX_MESSAGE_BYTES))
    return messages
  }
}

/** True when the bytes begin like a DNS message over TCP: a length and a sound header. */
export function looksLikeDnsStream(bytes: Buffer): boolean {
  if (bytes.length < 14) return false
  const length = bytes.readUInt16BE(0)
  const opcode = (bytes[4] >> 3) & 15
  const questions = bytes.readUInt16BE(6)
  return length >= 17 && opcode <= 5 && questions >= 1 && questions <= MAX_QUESTIONS
}
