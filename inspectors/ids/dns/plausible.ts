import type { DnsMessage } from './message.ts'

/** On another port than its own only a message with all the marks of DNS is one: one plain question with a name. */
export function isPlausible(message: DnsMessage): boolean {
  const [question] = message.questions
  return (
    message.questions.length === 1 &&
    (message.flags & 0x0040) === 0 &&
    message.opcode === 0 &&
    question.type > 0 &&
    question.type < 300 &&
    question.name.length > 2
  )
}
