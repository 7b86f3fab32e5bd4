import type { BufferView } from '../evaluate.ts'
import { Subject } from '../match/subject.ts'
import { applyTransforms } from '../match/transforms.ts'
import { PAYLOAD } from '#signatures/suricata/buffers.ts'
import type { Slot } from '../program/compiled-rule.ts'
import type { DnsMessage } from './message.ts'

/** Buffers of one DNS message. */
export class DnsView implements BufferView {
  readonly #message: DnsMessage
  readonly #payload: Subject
  readonly #instances = new Map<number, readonly Subject[]>()

  constructor(message: DnsMessage, bytes: Buffer) {
    this.#message = message
    this.#payload = new Subject(bytes.toString('latin1'))
  }

  subject(slot: Slot): Subject | null {
    return slot.buffer === PAYLOAD ? this.#payload : (this.instances(slot)[0] ?? null)
  }

  instances(slot: Slot): readonly Subject[] {
    const known = this.#instances.get(slot.id)
    if (known !== undefined) return known
    const made = namesOf(slot.buffer, this.#message).map(
      (name) => new Subject(applyTransforms(name, slot.transforms)),
    )
    this.#instances.set(slot.id, made)
    return made
  }

  numbers(slot: Slot): readonly number[] {
    const { opcode, rcode, questions, answers, isResponse } = this.#message
    if (slot.buffer === 'dns.opcode') return [opcode]
    if (slot.buffer === 'dns.rcode') return [rcode]
    if (slot.buffer !== 'dns.rrtype') return []
    return (isResponse ? answers : questions).map(({ type }) => type)
  }
}

function namesOf(buffer: string, message: DnsMessage): readonly string[] {
  const names = (list: readonly { readonly name: string }[]): string[] =>
    list.map(({ name }) => name)
  switch (buffer) {
    case 'dns.query':
    case 'dns.query.name':
    case 'dns.queries.rrname':
      return names(message.questions)
    case 'dns.answer.name':
    case 'dns.answers.rrname':
      return names(message.answers)
    case 'dns.authorities.rrname':
      return names(message.authorities)
    case 'dns.additionals.rrname':
      return names(message.additionals)
    case 'dns.response.rrname':
      return [
        ...names(message.questions),
        ...[...message.answers, ...message.authorities, ...message.additionals].flatMap(
          ({ name, target }) => (target === null ? [name] : [name, target]),
        ),
      ]
    default:
      return []
  }
}
