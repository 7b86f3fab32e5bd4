/**
 * Packets of DCE/RPC over TCP (C706 chapter 12, MS-RPCE section 2.2.2).
 *
 *     header   := version(1)=5 minor(1) type(1) flags(1) drep(4) length(2) auth-length(2) call(4)
 *     request  := header hint(4) context(2) opnum(2) [object(16)] stub auth
 *     response := header hint(4) context(2) cancels(1) reserved(1) stub auth
 *     bind     := header sizes(4) group(4) count(1) reserved(3) (context(2) syntaxes(1) reserved(1) interface(20) syntax(20)*)*
 *     bind-ack := header sizes(4) group(4) address-length(2) address padding count(1) reserved(3) (result(2) reason(2) syntax(20))*
 *
 * Numbers are in the sender's byte order, which `drep` tells.
 */

export const HEADER_BYTES = 16
/** Presentation contexts of one bind that are read. */
export const MAX_CONTEXTS = 64

const REQUEST = 0
const RESPONSE = 2
const BIND = 11
const BIND_ACK = 12
const ALTER_CONTEXT = 14
const ALTER_CONTEXT_RESPONSE = 15
const LAST_TYPE = 19

const FIRST_FRAGMENT = 0x01
const LAST_FRAGMENT = 0x02
const HAS_OBJECT = 0x80
const AUTH_HEADER_BYTES = 8

export interface PduHeader {
  readonly type: number
  readonly isFirst: boolean
  readonly isLast: boolean
  readonly hasObject: boolean
  readonly isLittle: boolean
  readonly length: number
  readonly authLength: number
  readonly call: number
}

/** What a packet says that rules ask for. */
export type Pdu =
  | {
      readonly kind: 'request'
      readonly header: PduHeader
      readonly context: number
      readonly opnum: number
      readonly stub: Buffer
    }
  | { readonly kind: 'response'; readonly header: PduHeader; readonly stub: Buffer }
  | { readonly kind: 'bind'; readonly header: PduHeader; readonly contexts: readonly RpcContext[] }
  /** Results in the order of the contexts that were offered; 0: accepted. */
  | { readonly kind: 'bind-ack'; readonly header: PduHeader; readonly results: readonly number[] }
  | { readonly kind: 'other'; readonly header: PduHeader }

export interface RpcContext {
  readonly id: number
  /** 16 bytes as they are written, latin1. */
  readonly uuid: string
  readonly version: number
}

/** @returns null when the bytes, 16 at least, begin no packet */
export function readHeader(bytes: Buffer, at: number): PduHeader | null {
  const drep = bytes[at + 4]
  const isSound =
    bytes[at] === 5 &&
    bytes[at + 1] <= 1 &&
    bytes[at + 2] <= LAST_TYPE &&
    (drep & 0xee) === 0 &&
    bytes[at + 5] <= 3 &&
    bytes[at + 6] === 0 &&
    bytes[at + 7] === 0
  if (!isSound) return null
  const isLittle = (drep & 0x10) !== 0
  const length = short(bytes, at + 8, isLittle)
  if (length < HEADER_BYTES) return null
  const flags = bytes[at + 3]
  return {
    type: bytes[at + 2],
    isFirst: (flags & FIRST_FRAGMENT) !== 0,
    isLast: (flags & LAST_FRAGMENT) !== 0,
    hasObject: (flags & HAS_OBJECT) !== 0,
    isLittle,
    length,
    authLength: short(bytes, at + 10, isLittle),
    call: isLittle ? bytes.readUInt32LE(at + 12) : bytes.readUInt32BE(at + 12),
  }
}

/** @param bytes the whole packet, as long as its header says */
export function readPdu(header: PduHeader, bytes: Buffer): Pdu {
  const { isLittle, authLength } = header
  const end = bytes.length - (authLength === 0 ? 0 : authLength + AUTH_HEADER_BYTES)
  switch (header.type) {
    case REQUEST: {
      const from = HEADER_BYTES + 8 + (header.hasObject ? 16 : 0)
      if (end < from) break
      return {
        kind: 'request',
        header,
        context: short(bytes, HEADER_BYTES + 4, isLittle),
        opnum: short(bytes, HEADER_BYTES + 6, isLittle),
        stub: bytes.subarray(from, end),
      }
    }
    case RESPONSE:
      if (end < HEADER_BYTES + 8) break
      return { kind: 'response', header, stub: bytes.subarray(HEADER_BYTES + 8, end) }
    case BIND:
    case ALTER_CONTEXT:
      return { kind: 'bind', header, contexts: contextsOf(bytes, isLittle) }
    case BIND_ACK:
    case ALTER_CONTEXT_RESPONSE:
      return { kind: 'bind-ack', header, results: resultsOf(bytes, isLittle) }
  }
  return { kind: 'other', header }
}

function contextsOf(bytes: Buffer, isLittle: boolean): RpcContext[] {
  const contexts: RpcContext[] = []
  const count = Math.min(bytes[HEADER_BYTES + 8] ?? 0, MAX_CONTEXTS)
  for (let at = HEADER_BYTES + 12; contexts.length < count && at + 24 <= bytes.length;) {
    contexts.push({
      id: short(bytes, at, isLittle),
      uuid: uuidOf(bytes, at + 4, isLittle),
      version: short(bytes, at + 20, isLittle),
    })
    at += 24 + bytes[at + 2] * 20
  }
  return contexts
}

function resultsOf(bytes: Buffer, isLittle: boolean): number[] {
  const results: number[] = []
  if (bytes.length < HEADER_BYTES + 10) return results
  const afterAddress = HEADER_BYTES + 10 + short(bytes, HEADER_BYTES + 8, isLittle)
  const start = Math.ceil(afterAddress / 4) * 4
  const count = Math.min(bytes[start] ?? 0, MAX_CONTEXTS)
  for (let at = start + 4; results.length < count && at + 24 <= bytes.length; at += 24)
    results.push(short(bytes, at, isLittle))
  return results
}

/** The first three parts of a UUID are numbers in the sender's order. */
function uuidOf(bytes: Buffer, at: number, isLittle: boolean): string {
  const uuid = Buffer.from(bytes.subarray(at, at + 16))
  if (isLittle) {
    uuid.subarray(0, 4).reverse()
    uuid.subarray(4, 6).reverse()
    uuid.subarray(6, 8).reverse()
  }
  return uuid.toString('latin1')
}

function short(bytes: Buffer, at: number, isLittle: boolean): number {
  return isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
}
