import type { BufferView } from '../evaluate.ts'
import { Subject } from '../match/subject.ts'
import { applyTransforms } from '../match/transforms.ts'
import { PAYLOAD } from '#signatures/suricata/buffers.ts'
import type { Side, Slot } from '../program/compiled-rule.ts'
import { type CertificateFacts, parseCertificate } from './certificate.ts'
import { ja3String, ja3sString, ja4, md5Hex } from './fingerprints.ts'
import { HandshakeReader } from './handshake-reader.ts'
import { type Hello, parseHello, parseSslV2Hello } from './hello.ts'

/** Most certificates of one chain that are read. */
export const MAX_CHAIN = 16

const CLIENT_HELLO = 1
const SERVER_HELLO = 2
const CERTIFICATE = 11
const TLS_1_3 = 0x0304

/** The clear part of a TLS connection as rules see it. */
export class TlsSession implements BufferView {
  readonly #readers = { request: new HandshakeReader(), response: new HandshakeReader() }
  #client: Hello | null = null
  #server: Hello | null = null
  /** Certificates of each side; a client has one only when it is asked for it. */
  readonly #chains: Record<Side, readonly Buffer[] | null> = { request: null, response: null }
  readonly #leaves: Record<Side, CertificateFacts | null> = { request: null, response: null }
  readonly #subjects = new Map<string, Subject | null>()
  side: Side = 'request'
  /** Since the epoch, when rules are asked. */
  nowSeconds = 0
  payload: Subject | null = null
  /** Handshake messages so far, by the names of `ssl_state`. */
  readonly states: string[] = []

  /** Takes a chunk; @returns true when it brought something rules can ask for */
  push(side: Side, chunk: Buffer): boolean {
    const reader = this.#readers[side]
    const wasReadable = !reader.encrypted && !reader.failed
    let news = false
    for (const { type, body, isSslV2 } of reader.push(chunk))
      if (this.#message(side, type, body, isSslV2)) news = true
    return news || (wasReadable && (reader.encrypted || reader.failed))
  }

  gap(side: Side): void {
    this.#readers[side].giveUp()
  }

  get version(): number | null {
    return this.#server?.version ?? this.#client?.version ?? null
  }

  /** Hellos and server certificate, for records; null until they came. */
  get client(): Hello | null {
    return this.#client
  }

  get server(): Hello | null {
    return this.#server
  }

  /** Of the server. */
  get certificate(): CertificateFacts | null {
    return this.#leaves.response
  }

  /** An earlier session goes on: no certificate is sent again. */
  get isResumed(): boolean {
    const client = this.#client
    const server = this.#server
    if (client === null || server === null || server.version >= TLS_1_3) return false
    if (this.#chains.response !== null || !this.#readers.response.encrypted) return false
    const isSame = server.sessionId.length > 0 && server.sessionId.equals(client.sessionId)
    return isSame || client.hasTicket
  }

  /** Nothing that rules can see is still to come in this direction. */
  isOver(side: Side): boolean {
    const reader = this.#readers[side]
    if (reader.encrypted || reader.failed) return true
    if (side === 'request') return this.#client !== null
    return (
      this.#chains.response !== null || (this.#server !== null && this.#server.version >= TLS_1_3)
    )
  }

  /** Both directions use keys (or are no TLS after all). */
  get encrypted(): boolean {
    return this.#readers.request.encrypted && this.#readers.response.encrypted
  }

  subject(slot: Slot): Subject | null | undefined {
    if (slot.buffer === PAYLOAD) return this.payload
    const side = this.#sideOf(slot)
    const key = `${side} ${slot.id}`
    const known = this.#subjects.get(key)
    if (known !== undefined) return known
    const text = this.#text(slot.buffer, side)
    if (text === undefined) return undefined
    const subject = text === null ? null : new Subject(applyTransforms(text, slot.transforms))
    this.#subjects.set(key, subject)
    return subject
  }

  instances(slot: Slot): readonly Subject[] | undefined {
    const side = this.#sideOf(slot)
    const texts = this.#texts(slot.buffer, side)
    return texts?.map((text) => new Subject(applyTransforms(text, slot.transforms)))
  }

  numbers(slot: Slot): readonly number[] | undefined {
    const side = this.#sideOf(slot)
    const chain = this.#chains[side]
    const leaf = this.#leaves[side]
    if (chain === null) return this.#isWithoutChain(side) ? [] : undefined
    if (slot.buffer === 'tls.cert_chain_len') return [chain.length]
    if (leaf === null) return []
    if (slot.buffer === 'tls_cert_validity') return validity(leaf, this.nowSeconds)
    const bound = slot.buffer === 'tls_cert_notbefore' ? leaf.notBefore : leaf.notAfter
    return bound === null ? [] : [bound]
  }

  /** No certificate of this side is still to come. */
  #isWithoutChain(side: Side): boolean {
    const reader = this.#readers[side]
    return side === 'response' ? this.isOver(side) : reader.encrypted || reader.failed
  }

  #sideOf(slot: Slot): Side {
    if (slot.side !== null) return slot.side
    const { sides } = slot
    return sides === 'both' ? this.side : sides
  }

  #message(side: Side, type: number, body: Buffer, isSslV2: boolean): boolean {
    if (side === 'request' && type === CLIENT_HELLO && this.#client === null) {
      this.#client = copied(isSslV2 ? parseSslV2Hello(body) : parseHello(body, 'client'))
      this.states.push('client_hello')
      return true
    }
    if (side === 'response' && type === SERVER_HELLO && this.#server === null) {
      this.#server = copied(parseHello(body, 'server'))
      this.states.push('server_hello')
      return true
    }
    if (type === CERTIFICATE && this.#chains[side] === null) {
      const chain = certificateChain(body)
      this.#chains[side] = chain
      this.#leaves[side] = chain.length === 0 ? null : parseCertificate(chain[0])
      return true
    }
    return false
  }

  /** Undefined: still to come. Null: does not exist. */
  #text(buffer: string, side: Side): string | null | undefined {
    if (buffer.startsWith('tls.cert_')) {
      const leaf = this.#leaves[side]
      if (leaf === null) return this.#isWithoutChain(side) ? null : undefined
      return certificateText(buffer, leaf)
    }
    const hello = side === 'request' ? this.#client : this.#server
    if (hello === null) return this.isOver(side) ? null : undefined
    if (hello.isSslV2 && buffer.startsWith('ja')) return null
    switch (buffer) {
      case 'tls.sni':
        return hello.serverName
      case 'tls.random':
        return hello.random.toString('latin1')
      case 'tls.random_time':
        return hello.random.toString('latin1', 0, 4)
      case 'tls.random_bytes':
        return hello.random.toString('latin1', 4)
      case 'ja3.string':
        return ja3String(hello)
      case 'ja3.hash':
        return md5Hex(ja3String(hello))
      case 'ja3s.string':
        return ja3sString(hello)
      case 'ja3s.hash':
        return md5Hex(ja3sString(hello))
      case 'ja4.hash':
        return ja4(hello)
      default:
        return null
    }
  }

  #texts(buffer: string, side: Side): readonly string[] | undefined {
    if (buffer === 'tls.alpn') {
      const hello = side === 'request' ? this.#client : this.#server
      return hello?.alpn ?? (this.isOver(side) ? [] : undefined)
    }
    const chain = this.#chains[side]
    if (chain === null) return this.#isWithoutChain(side) ? [] : undefined
    if (buffer === 'tls.certs') return chain.map((der) => der.toString('latin1'))
    return this.#leaves[side]?.alternativeNames ?? []
  }
}

function validity({ notBefore, notAfter }: CertificateFacts, now: number): readonly number[] {
  if (notBefore === null || notAfter === null) return []
  return [now < notBefore ? -1 : now > notAfter ? 1 : 0]
}

function certificateText(buffer: string, leaf: CertificateFacts): string | null {
  switch (buffer) {
    case 'tls.cert_subject':
      return leaf.subject
    case 'tls.cert_issuer':
      return leaf.issuer
    case 'tls.cert_serial':
      return leaf.serial
    case 'tls.cert_fingerprint':
      return leaf.fingerprint
    default:
      return null
  }
}

/** Random and session point into the reader's memory. */
function copied(hello: Hello | null): Hello | null {
  return hello === null
    ? null
    : {
        ...hello,
        random: Buffer.from(hello.random),
        sessionId: Buffer.from(hello.sessionId),
      }
}

/** certificate_list of TLS 1.2 and before: length(3) of all, then length(3) and DER of each. */
function certificateChain(body: Buffer): Buffer[] {
  const chain: Buffer[] = []
  for (let at = 3; at + 3 <= body.length && chain.length < MAX_CHAIN;) {
    const length = body.readUIntBE(at, 3)
    if (at + 3 + length > body.length) break
    chain.push(Buffer.from(body.subarray(at + 3, at + 3 + length)))
    at += 3 + length
  }
  return chain
}
