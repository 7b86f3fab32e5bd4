import { BodyDecoder } from '../coding/body-decoder.ts'
import { Subject } from '../match/subject.ts'
import { applyTransforms } from '../match/transforms.ts'
import type { Slot } from '../program/compiled-rule.ts'
import type { RuleGroup } from '../program/rule-group.ts'
import type { CandidateList } from '../program/candidate-list.ts'
import { ScanTail } from '../program/prefilter.ts'

const NO_BYTES = Buffer.alloc(0)

/**
 * The body of one message, content coding removed, up to the inspection depth. It is kept whole up to
 * there, so a match does not depend on how the body was cut. Chunks are joined by the engine's ropes: a
 * body that no rule waits for is never copied.
 */
export class BodyStream {
  readonly #depth: number
  readonly #decoder: BodyDecoder
  /** Of what was scanned; null: nothing was, or it was all. */
  #tail: ScanTail | null = null
  #subjects: Map<number, { subject: Subject; bytes: number; final: boolean }> | null = null
  #text = ''
  /** The last piece, which stays as it is, until a rule asks for the text: most bodies are never looked at. */
  #fresh: Buffer | null = null
  #bytes = 0
  #ended = false
  #final = false

  constructor(depth: number, contentEncoding: string | null) {
    this.#depth = depth
    this.#decoder = new BodyDecoder(contentEncoding, depth)
  }

  /** No byte that is still to come will be looked at. */
  get isFinal(): boolean {
    return this.#final
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes a chunk and adds the rules whose fast pattern it completes.
   *
   * @param isLast the message's framing says that no more follows
   * @param isHeld the chunk stays as it is
   */
  push(
    chunk: Buffer,
    isLast: boolean,
    isHeld: boolean,
    group: RuleGroup,
    into: CandidateList,
  ): void {
    if (this.#final) return
    let decoded = this.#decoder.push(chunk, isLast)
    const room = this.#depth - this.#bytes
    if (decoded.length > room) decoded = decoded.subarray(0, room)
    if (decoded.length > 0) {
      this.#bytes += decoded.length
      // What a decoder gives is valid until it is asked again.
      if (isLast && isHeld) this.#fresh = decoded
      else this.#text += decoded.toString('latin1')
      this.#scan(decoded, isLast, group, into)
    }
    if (isLast) this.#end()
    else if (this.#bytes >= this.#depth) this.#final = true
  }

  /** The message is over without another chunk. */
  finish(group: RuleGroup, into: CandidateList): void {
    this.push(NO_BYTES, true, true, group, into)
  }

  /** Nearly all bodies are one chunk: nothing has to be kept of it for what follows. */
  #scan(decoded: Buffer, isLast: boolean, { chunked }: RuleGroup, into: CandidateList): void {
    if (chunked === null) return
    if (this.#tail === null && isLast) chunked.scanBytes(decoded, into)
    else chunked.scanChunk((this.#tail ??= new ScanTail()), decoded, false, into)
  }

  #end(): void {
    if (!this.#final) this.#ended = true
    this.#final = true
  }

  subject(slot: Slot): Subject {
    const subjects = (this.#subjects ??= new Map())
    const known = subjects.get(slot.id)
    if (known === undefined) {
      const subject = new Subject(this.#view(slot), 0, this.#ended, this.#final)
      subjects.set(slot.id, { subject, bytes: this.#bytes, final: this.#final })
      return subject
    }
    if (known.bytes !== this.#bytes || known.final !== this.#final) {
      const view = this.#view(slot)
      if (slot.transforms.length === 0) known.subject.grow(view, this.#ended, this.#final)
      else known.subject.set(view, 0, this.#ended, this.#final)
      known.bytes = this.#bytes
      known.final = this.#final
    }
    return known.subject
  }

  #whole(): string {
    if (this.#fresh !== null) {
      this.#text += this.#fresh.toString('latin1')
      this.#fresh = null
    }
    return this.#text
  }

  #view(slot: Slot): string {
    const text = this.#whole()
    return slot.transforms.length === 0 ? text : applyTransforms(text, slot.transforms)
  }
}
