import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import { alertFile } from './alert.ts'
import type { Engine } from './engine.ts'
import { evaluateSections } from './evaluate.ts'
import type { Findings } from './findings.ts'
import type { FlowContext } from './flow-context.ts'
import { fileHolds } from './files/file-test.ts'
import { requestEvents, responseEvents } from './http/head-events.ts'
import { isStillLacking, lackingOf } from './lacking.ts'
import { HttpExchange } from './http/exchange.ts'
import { scanHead } from './http/head-scan.ts'
import { MAX_OPEN_EXCHANGES, MAX_WAITING_RULES } from './limits.ts'
import type { CompiledRule, Side } from './program/compiled-rule.ts'
import type { RuleGroup } from './program/rule-group.ts'

/**
 * HTTP rules over the exchanges of one connection.
 *
 * At the head the buffers of the head are scanned once each and every candidate is evaluated; a rule that
 * needs the body too waits. Each chunk of the body goes through the body's prefilter; candidates and waiting
 * rules are evaluated again, so a rule fires with the chunk that completes it. What must be absent, or
 * stand at the end, is decided when the body is over.
 */
export class HttpInspection {
  readonly #engine: Engine
  readonly #findings: Findings
  readonly #context: FlowContext
  /** Those that are open, linked, the one that was met last in front: nearly always the one that is meant. */
  #open: HttpExchange | null = null

  constructor(engine: Engine, context: FlowContext, findings: Findings) {
    this.#engine = engine
    this.#context = context
    this.#findings = findings
  }

  head(transaction: HttpTransaction, side: Side): void {
    const exchange = this.#exchange(transaction)
    if (exchange === null) return
    exchange.side = side
    const head = side === 'request' ? transaction.request : transaction.response
    if (head === null) return
    if (
      head.framing.kind === 'none' ||
      (head.framing.kind === 'length' && head.framing.bytes === 0)
    )
      exchange.state(side).hasBody = false
    const group = this.#group(side)
    const { candidates } = this.#engine
    candidates.clear()
    scanHead(group, exchange, side, this.#engine.budget, candidates)
    for (const rule of group.always) candidates.add(rule)
    this.#evaluate(exchange, side)
    if (!this.#engine.program.eventApplications.has('http')) return
    const events =
      side === 'request'
        ? requestEvents(transaction.request)
        : transaction.response === null
          ? []
          : responseEvents(transaction.response)
    for (const name of events) this.raise(transaction, side, name)
  }

  /**
   * The parser, or the decoder of a body, found a fault: the rules that ask for it.
   *
   * @param name of an `app-layer-event`, without `http.`
   */
  raise(transaction: HttpTransaction, side: Side, name: string): void {
    const exchange = this.#find(transaction)
    if (exchange === null || exchange.hasRaised(name)) return
    exchange.raise(name)
    const { candidates, program } = this.#engine
    const asked = program.events.get(`http.${name}`)
    if (asked === undefined) return
    for (const way of ['request', 'response'] as const) {
      candidates.clear()
      // A rule for one direction alone is asked for it, whichever direction the fault was in.
      for (const compiled of asked)
        if (wayOf(compiled, side) === way && hasAll(compiled, exchange)) candidates.add(compiled)
      this.#evaluate(exchange, way)
    }
  }

  /**
   * @param isLast the message's length says that nothing follows
   * @param isHeld the chunk stays as it is
   */
  body(
    transaction: HttpTransaction,
    side: Side,
    chunk: Buffer,
    isLast: boolean,
    isHeld: boolean,
  ): void {
    const exchange = this.#find(transaction)
    if (exchange === null) return
    const group = this.#group(side)
    const body = exchange.body(side, this.#engine.settings.bodyDepth)
    const { candidates, program } = this.#engine
    if (program.fileSums !== null) exchange.files(side, program.fileSums).push(chunk)
    else if (body.isFinal) return
    candidates.clear()
    if (!body.isFinal) body.push(chunk, isLast, isHeld, group, candidates)
    this.#wake(exchange, side)
    this.#evaluate(exchange, side)
  }

  end(transaction: HttpTransaction, side: Side): void {
    const exchange = this.#find(transaction)
    if (exchange === null) return
    const state = exchange.state(side)
    state.isOver = true
    if (side === 'request' && exchange.closed) this.#forget(exchange)
    state.files?.end(isWhole(transaction, side))
    if (state.body === null) state.hasBody ??= false
    else {
      const { candidates } = this.#engine
      candidates.clear()
      state.body.finish(this.#group(side), candidates)
      this.#wake(exchange, side)
      this.#evaluate(exchange, side)
      return
    }
    this.#engine.candidates.clear()
    this.#wake(exchange, side)
    this.#evaluate(exchange, side)
  }

  /** No exchange is open. */
  get isIdle(): boolean {
    return this.#open === null
  }

  /** A server may answer early: the request is then inspected to its own end. */
  close(transaction: HttpTransaction): void {
    const exchange = this.#find(transaction)
    if (exchange === null) return
    exchange.closed = true
    if (exchange.request.isOver) this.#forget(exchange)
  }

  #exchange(transaction: HttpTransaction): HttpExchange | null {
    const known = this.#find(transaction)
    if (known !== null) return known
    let count = 0
    for (let exchange = this.#open; exchange !== null; exchange = exchange.next) count += 1
    if (count >= MAX_OPEN_EXCHANGES) {
      this.#engine.counters.exchangesSkipped += 1
      return null
    }
    const made = new HttpExchange(transaction)
    made.next = this.#open
    this.#open = made
    return made
  }

  #find(transaction: HttpTransaction): HttpExchange | null {
    const first = this.#open
    if (first === null || first.transaction === transaction) return first
    for (let before = first, found = first.next; found !== null; found = found.next) {
      if (found.transaction === transaction) {
        before.next = found.next
        found.next = first
        this.#open = found
        return found
      }
      before = found
    }
    return null
  }

  /** @param exchange the one that was met last */
  #forget(exchange: HttpExchange): void {
    this.#open = exchange.next
    exchange.next = null
  }

  #group(side: Side): RuleGroup {
    const { request, response } = this.#engine.program.applications.http
    return side === 'request' ? request : response
  }

  #wake(exchange: HttpExchange, side: Side): void {
    const state = exchange.state(side)
    const { waiting, lacking } = state
    if (waiting === null) return
    state.waiting = null
    for (let index = 0; index < waiting.length; index += 1) {
      const rule = waiting[index]
      const lacks = lacking?.get(rule)
      if (lacks !== undefined && isStillLacking(lacks, exchange)) (state.waiting ??= []).push(rule)
      else {
        this.#engine.candidates.add(rule)
        if (lacks !== undefined) lacking!.delete(rule)
      }
    }
  }

  #evaluate(exchange: HttpExchange, side: Side): void {
    const { candidates, budget } = this.#engine
    const { stream } = this.#context.direction(side)
    stream.addNoted(candidates)
    if (candidates.rules.length === 0) return
    exchange.side = side
    exchange.stream = stream
    candidates.sort()
    for (const compiled of candidates.rules) {
      if (exchange.hasFired(compiled) || !this.#context.admits(compiled, side)) continue
      const outcome = evaluateSections(compiled, exchange, budget)
      if (outcome === 'no') continue
      if (compiled.files.length > 0) {
        this.#evaluateFiles(exchange, side, compiled, outcome)
        continue
      }
      if (outcome === 'wait') {
        this.#wait(exchange, side, compiled)
        continue
      }
      exchange.fire(compiled)
      this.#findings.match(compiled, side)
      if (this.#context.passes) return
    }
  }

  /** A rule about files matches once with each, and waits while more may come. */
  #evaluateFiles(
    exchange: HttpExchange,
    side: Side,
    compiled: CompiledRule,
    outcome: 'match' | 'wait',
  ): void {
    const carrier = exchange.state(sideOfFiles(compiled) ?? side)
    if (outcome === 'match')
      for (const file of carrier.files?.files ?? []) {
        if (file.fired.has(compiled.index)) continue
        if (!compiled.files.every((test) => fileHolds(test, file) === 'match')) continue
        file.fired.add(compiled.index)
        this.#findings.match(compiled, side, { files: [alertFile(file)] })
        if (this.#context.passes) return
      }
    const isOver = carrier.files === null ? carrier.hasBody === false : carrier.files.isOver
    if (!isOver || outcome === 'wait') this.#wait(exchange, side, compiled)
  }

  #wait(exchange: HttpExchange, side: Side, compiled: CompiledRule): void {
    const state = exchange.state(side)
    // It was found again while it waits.
    if (state.lacking?.has(compiled) === true) return
    const waiting = (state.waiting ??= [])
    if (waiting.length >= MAX_WAITING_RULES) {
      this.#engine.counters.waitingRulesDropped += 1
      return
    }
    waiting.push(compiled)
    const lacking = state.body === null ? null : lackingOf(compiled, exchange)
    if (lacking !== null) (state.lacking ??= new Map()).set(compiled, lacking)
  }
}

function wayOf({ rule }: CompiledRule, raised: Side): Side {
  if (raised === 'request') return rule.toServer ? 'request' : 'response'
  return rule.toClient ? 'response' : 'request'
}

function hasAll({ rule }: CompiledRule, exchange: HttpExchange): boolean {
  return rule.events.every((event) => exchange.hasRaised(event.slice('http.'.length)))
}

/** Direction that a rule's file keywords are pinned to. */
function sideOfFiles(compiled: CompiledRule): Side | null {
  return compiled.files.find((test) => test.side !== null)?.side ?? null
}

function isWhole(transaction: HttpTransaction, side: Side): boolean {
  const head = side === 'request' ? transaction.request : transaction.response
  return head?.framing.kind !== 'length' || isLastChunk(transaction, side)
}

/** True when the message's length says that this chunk, already counted, is the last. */
export function isLastChunk(transaction: HttpTransaction, side: Side): boolean {
  const head = side === 'request' ? transaction.request : transaction.response
  const seen = side === 'request' ? transaction.requestBodyBytes : transaction.responseBodyBytes
  return head !== null && head.framing.kind === 'length' && seen >= head.framing.bytes
}
