import type { Side } from '../program/compiled-rule.ts'
import { HEADER_BYTES, type Pdu, type RpcContext, readHeader, readPdu } from './pdu.ts'

/** Calls of one connection that are open at a time, interfaces that are bound, and bytes of one stub. */
export const MAX_OPEN_CALLS = 256
export const MAX_INTERFACES = 256
export const MAX_STUB_BYTES = 262_144

const NO_BYTES = Buffer.alloc(0)

/** One direction's arguments or results, put together from fragments. */
export interface Stub {
  /** Latin1. */
  text: string
  fragments: number
  isWhole: boolean
  isLittle: boolean
}

/** A call: what was asked of which interface, and what was answered. */
export interface RpcCall {
  readonly id: number
  /** -1: the request was not seen. */
  readonly opnum: number
  /** Null: no bind of it was seen, or it was refused. */
  readonly contract: RpcContext | null
  readonly stubs: Readonly<Record<Side, Stub>>
  /** Rules that have matched, by direction: each does so once. */
  readonly fired: Readonly<Record<Side, Set<number>>>
}

/** A direction of a call has grown. */
export interface RpcNews {
  readonly call: RpcCall
  readonly side: Side
}

/** DCE/RPC over one connection: packets out of its bytes, calls out of its packets. */
export class RpcSession {
  readonly #held: Record<Side, Buffer> = { request: NO_BYTES, response: NO_BYTES }
  readonly #lost: Record<Side, boolean> = { request: false, response: false }
  readonly #interfaces = new Map<number, RpcContext>()
  #offered: readonly RpcContext[] = []
  readonly #calls = new Map<number, RpcCall>()

  /** Bytes are missing: what follows in this direction cannot be told apart. */
  gap(side: Side): void {
    this.#lost[side] = true
    this.#held[side] = NO_BYTES
  }

  /** @returns calls that these bytes have something of, in order */
  push(side: Side, chunk: Buffer): RpcNews[] {
    const news: RpcNews[] = []
    if (this.#lost[side]) return news
    const held = this.#held[side]
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    let at = 0
    while (bytes.length - at >= HEADER_BYTES) {
      const header = readHeader(bytes, at)
      if (header === null) {
        this.gap(side)
        return news
      }
      if (bytes.length - at < header.length) break
      const call = this.#pdu(readPdu(header, bytes.subarray(at, at + header.length)))
      if (call !== null) news.push({ call, side })
      at += header.length
    }
    this.#held[side] = Buffer.from(bytes.subarray(at))
    return news
  }

  #pdu(pdu: Pdu): RpcCall | null {
    switch (pdu.kind) {
      case 'bind':
        this.#offered = pdu.contexts
        for (const context of pdu.contexts)
          if (this.#interfaces.size < MAX_INTERFACES) this.#interfaces.set(context.id, context)
        return null
      case 'bind-ack':
        for (const [index, { id }] of this.#offered.entries())
          if ((pdu.results[index] ?? 0) !== 0) this.#interfaces.delete(id)
        return null
      case 'request': {
        const { header, context, opnum, stub } = pdu
        let call = this.#calls.get(header.call)
        if (call === undefined || header.isFirst) {
          call = newCall(header.call, opnum, this.#interfaces.get(context) ?? null)
          if (this.#calls.size >= MAX_OPEN_CALLS)
            this.#calls.delete(this.#calls.keys().next().value!)
          this.#calls.set(header.call, call)
        }
        grow(call.stubs.request, stub, header.isLast, header.isLittle)
        return call
      }
      case 'response': {
        const { header, stub } = pdu
        const call = this.#calls.get(header.call) ?? newCall(header.call, -1, null)
        grow(call.stubs.response, stub, header.isLast, header.isLittle)
        if (header.isLast) this.#calls.delete(header.call)
        return call
      }
      case 'other':
        return null
    }
  }
}

function newCall(id: number, opnum: number, contract: RpcContext | null): RpcCall {
  return {
    id,
    opnum,
    contract,
    stubs: { request: newStub(), response: newStub() },
    fired: { request: new Set(), response: new Set() },
  }
}

function newStub(): Stub {
  return { text: '', fragments: 0, isWhole: false, isLittle: true }
}

function grow(stub: Stub, bytes: Buffer, isLast: boolean, isLittle: boolean): void {
  const room = MAX_STUB_BYTES - stub.text.length
  if (room > 0) stub.text += bytes.toString('latin1', 0, Math.min(bytes.length, room))
  stub.fragments += 1
  stub.isWhole ||= isLast
  stub.isLittle = isLittle
}
