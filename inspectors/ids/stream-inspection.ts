import type { Engine } from './engine.ts'
import { type Outcome, evaluateSections } from './evaluate.ts'
import type { Findings } from './findings.ts'
import type { FlowContext } from './flow-context.ts'
import { MAX_WAITING_RULES } from './limits.ts'
import { PAYLOAD } from '#signatures/suricata/buffers.ts'
import type { CompiledRule, Side } from './program/compiled-rule.ts'
import { addOfSize } from './program/rule-group.ts'
import { StreamSide } from './stream-side.ts'

/**
 * How chunks are matched. `line`: each once, as part of the stream and as a packet's payload. `stream`: as part of the
 * stream alone; packets are shown by themselves. `each`: a window that ends with each chunk is matched anew, as
 * Suricata does where it can stop packets: what is in reach of a packet is said of that packet.
 */
export type StreamMode = 'line' | 'stream' | 'each'

/**
 * Payload rules over the raw bytes of connections, and rules that have no buffer at all.
 *
 * A rule is matched against the stream (a window that slides over the chunks), against the single chunk
 * as the packet's payload, or both, as its options ask (`CompiledRule.payload`).
 */
export class StreamInspection {
  readonly #engine: Engine
  readonly #findings: Findings

  constructor(engine: Engine, findings: Findings) {
    this.#engine = engine
    this.#findings = findings
  }

  /** Something about the connection itself is wrong: the rules that ask for it. */
  raise(context: FlowContext, event: string, side: Side): void {
    const asked = this.#engine.program.events.get(event)
    if (asked === undefined) return
    const { stream } = context.direction(side)
    for (const compiled of asked) {
      if (!(side === 'request' ? compiled.rule.toServer : compiled.rule.toClient)) continue
      if (!context.admits(compiled, side)) continue
      if (this.#evaluate(compiled, stream, 'stream') !== 'match') continue
      this.#findings.match(compiled, side)
      if (context.passes) return
    }
  }

  /** @param isHeld the chunk stays as it is */
  bytes(context: FlowContext, side: Side, chunk: Buffer, mode: StreamMode, isHeld: boolean): void {
    const direction = context.direction(side)
    const { stream } = direction
    if (stream.total >= this.#engine.settings.streamDepth) return
    const group = context.plan.stream(context.application, side)
    const { candidates } = this.#engine
    candidates.clear()
    stream.push(chunk, group, candidates, isHeld)
    const seen = stream.waiting === null ? null : this.#wake(stream)
    addOfSize(group, chunk.length, context, side, candidates)
    candidates.sort()
    for (const compiled of candidates.rules) {
      if (compiled.application === 'http') {
        stream.note(compiled)
        continue
      }
      if (direction.hasFiredOnChunks(compiled.index)) continue
      if (!context.admits(compiled, side)) continue
      const outcome = this.#evaluate(compiled, stream, mode)
      if (outcome === 'no') continue
      if ((outcome === 'wait' || mode === 'each') && !group.alwaysSet.has(compiled))
        this.#wait(stream, compiled, seen?.get(compiled) ?? stream.total)
      if (outcome === 'wait') continue
      if (compiled.sections.length === 0 && compiled.payload === 'none')
        direction.fireOnChunks(compiled.index)
      this.#findings.match(compiled, side)
      if (context.passes) return
    }
  }

  /** A segment was sent again: what rules find in it alone, they find again. */
  again(context: FlowContext, side: Side, chunk: Buffer): void {
    const group = context.plan.stream(context.application, side)
    const { candidates, budget } = this.#engine
    const alone = new StreamSide()
    candidates.clear()
    alone.push(chunk, group, candidates)
    addOfSize(group, chunk.length, context, side, candidates)
    candidates.sort()
    for (const compiled of candidates.rules) {
      if (compiled.payload === 'none' || !context.admits(compiled, side)) continue
      alone.useChunk()
      if (evaluateSections(compiled, alone, budget) !== 'match') continue
      this.#findings.match(compiled, side)
    }
  }

  /** A rule that waits stays a candidate until its fast pattern has left the window. */
  #wake(stream: StreamSide): ReadonlyMap<CompiledRule, number> {
    const seen = new Map<CompiledRule, number>()
    for (const { rule, seenAt } of stream.waiting ?? []) {
      if (seenAt <= stream.windowBase) continue
      this.#engine.candidates.add(rule)
      seen.set(rule, seenAt)
    }
    stream.waiting = null
    return seen
  }

  #wait(stream: StreamSide, rule: CompiledRule, seenAt: number): void {
    const waiting = (stream.waiting ??= [])
    if (waiting.length < MAX_WAITING_RULES) waiting.push({ rule, seenAt })
    else this.#engine.counters.waitingRulesDropped += 1
  }

  #evaluate(compiled: CompiledRule, stream: StreamSide, mode: StreamMode): Outcome {
    const { budget } = this.#engine
    if (compiled.payload === 'chunk') {
      stream.useChunk()
      return evaluateSections(compiled, stream, budget)
    }
    if (mode === 'each') stream.useRecent()
    else stream.useWindow(compiled)
    const outcome = evaluateSections(compiled, stream, budget)
    if (outcome === 'match') {
      stream.matchedUpTo(compiled, matchEnd(compiled, stream))
      return outcome
    }
    if (compiled.payload !== 'both' || mode === 'stream') return outcome
    stream.useChunk()
    const alone = evaluateSections(compiled, stream, budget)
    if (alone === 'match') stream.matchedUpTo(compiled, stream.total)
    return alone === 'match' ? alone : outcome
  }
}

/** Stream offset after the last byte that the rule's positive steps matched. */
function matchEnd(compiled: CompiledRule, stream: StreamSide): number {
  let end = stream.windowBase
  for (const section of compiled.sections) {
    if (section.slot.buffer !== PAYLOAD) continue
    const base = stream.subject(section.slot).base
    for (const step of section.steps)
      if ((step.kind === 'content' || step.kind === 'pcre') && !step.negated)
        end = Math.max(end, base + step.end)
  }
  return end
}
