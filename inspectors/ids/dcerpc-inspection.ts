import { PAYLOAD } from '#signatures/suricata/buffers.ts'
import type { Engine } from './engine.ts'
import { type BufferView, evaluateSections, scanView } from './evaluate.ts'
import type { Findings } from './findings.ts'
import type { FlowContext } from './flow-context.ts'
import { reading } from './match/numbers.ts'
import { Subject } from './match/subject.ts'
import { applyTransforms } from './match/transforms.ts'
import type { Side, Slot } from './program/compiled-rule.ts'
import { type RpcNews, RpcSession } from './dcerpc/rpc-session.ts'

/** Packets whose rules wait to be asked. */
const MAX_NEWS = 1024

/** DCE/RPC rules over the calls of one connection: each rule once for each direction of a call. */
export class DcerpcInspection {
  readonly #engine: Engine
  readonly #context: FlowContext
  readonly #findings: Findings
  readonly #session = new RpcSession()
  #news: RpcNews[] = []

  constructor(engine: Engine, context: FlowContext, findings: Findings) {
    this.#engine = engine
    this.#context = context
    this.#findings = findings
  }

  gap(side: Side): void {
    this.#session.gap(side)
  }

  /** Takes bytes; the rules are asked with `inspect`. */
  read(side: Side, chunk: Buffer): void {
    for (const news of this.#session.push(side, chunk))
      if (this.#news.length < MAX_NEWS) this.#news.push(news)
  }

  /** @param payload window of the raw stream of this side */
  inspect(side: Side, payload: Subject): void {
    const due = this.#news.filter((news) => news.side === side)
    if (due.length === 0) return
    this.#news = this.#news.filter((news) => news.side !== side)
    for (const news of due) this.#evaluate(news, payload)
  }

  #evaluate({ call, side }: RpcNews, payload: Subject): void {
    if (this.#context.passes) return
    const group = this.#engine.program.applications.dcerpc[side]
    if (group.size === 0) return
    const { candidates, budget } = this.#engine
    const view = new CallView({ call, side }, payload)
    candidates.clear()
    scanView(group.whole, view, candidates)
    for (const rule of group.always) candidates.add(rule)
    candidates.sort()
    reading.isDceLittle = call.stubs[side].isLittle
    const flow = side === 'request' ? 'to_server' : 'to_client'
    this.#findings.about(this.#context, flow, 'transaction', call)
    for (const compiled of candidates.rules) {
      if (call.fired[side].has(compiled.index) || !this.#context.admits(compiled, side)) continue
      if (evaluateSections(compiled, view, budget) !== 'match') continue
      call.fired[side].add(compiled.index)
      this.#findings.match(compiled, side)
      if (this.#context.passes) break
    }
    reading.isDceLittle = true
  }
}

/** Buffers of one direction of a call. */
class CallView implements BufferView {
  readonly #news: RpcNews
  readonly #payload: Subject

  constructor(news: RpcNews, payload: Subject) {
    this.#news = news
    this.#payload = payload
  }

  subject(slot: Slot): Subject | null {
    const { call, side } = this.#news
    if (slot.buffer === PAYLOAD) return this.#payload
    if (slot.buffer === 'dcerpc.iface')
      return call.contract === null
        ? null
        : new Subject(`${call.contract.uuid}${versionBytes(call.contract.version)}`)
    if (slot.buffer !== 'dcerpc.stub_data') return null
    const { text, isWhole } = call.stubs[slot.side ?? side]
    return new Subject(applyTransforms(text, slot.transforms), 0, isWhole, isWhole)
  }

  instances(slot: Slot): readonly Subject[] | null {
    const subject = this.subject(slot)
    return subject === null ? null : [subject]
  }

  numbers(slot: Slot): readonly number[] {
    const { opnum } = this.#news.call
    return slot.buffer === 'dcerpc.opnum' && opnum >= 0 ? [opnum] : []
  }
}

function versionBytes(version: number): string {
  return String.fromCharCode(version >> 8, version & 0xff)
}
