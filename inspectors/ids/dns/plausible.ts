import type { DnsMessage } from './message.ts'

/** Names of NetBIOS are asked for in messages of the same form (RFC 1002). */
const NETBIOS = 32

/** On another port than its own only a message with all the marks of DNS is one: one plain question with a name. */
export function isPlausible(message: DnsMessage): boolean {
  const [question] = message.questions
  return (
    message.questions.length === 1 &&
    (message.flags & 0x0040) === 0 &&
    message.opcode === 0 &&
    question.type > 0 &&
    question.type < 300 &&
    question.type !== NETBIOS &&
    question.name.length > 2
  )
}
