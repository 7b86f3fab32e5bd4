import { type Alert, type Flow, PASS, type Verdict } from '#inspectors/inspector.ts'
import { dnsFields } from './capture/eve/dns-record.ts'
import type { Packet } from './capture/packet.ts'
import { type DnsMessage, parseDnsMessage } from './dns/message.ts'
import type { Finding, Outcome } from './findings.ts'
import type { PacketStanding } from './packet-inspection.ts'

/** What the rules are asked through: an `IdsConnection` of an engine that looks at packets. */
export interface DatagramRules {
  packet(packet: Packet, flow: Flow, standing: PacketStanding): Verdict
  dns(flow: Flow, message: DnsMessage, bytes: Buffer, transaction: object | null): Verdict
  afterStream(flow: Flow): Verdict
  settle(): Outcome | null
  speaks(application: string): void
}

const DNS_PORT = 53

/**
 * The datagrams of one flow in line: each as a packet and as the message that it is. A drop by a rule about DNS
 * stops its message alone: the next question of the same resolver is another matter.
 */
export class Datagrams {
  readonly #rules: DatagramRules
  readonly #heard: Record<Flow, boolean> = { to_server: false, to_client: false }
  #isDns = false
  #messages = 0

  constructor(rules: DatagramRules) {
    this.#rules = rules
  }

  inspect(flow: Flow, packet: Packet): Verdict {
    this.#heard[flow] = true
    const rules = this.#rules
    const message = this.#dnsOf(packet)
    if (message !== null) rules.speaks('dns')
    const established = this.#heard.to_server && this.#heard.to_client
    rules.packet(packet, flow, { established, inSession: false })
    if (message !== null) {
      // Who asks is the client, whoever spoke first.
      const side = message.isResponse ? 'to_client' : flow
      rules.dns(side, message, packet.payload, message)
    }
    rules.afterStream(flow)
    const outcome = rules.settle()
    const index = message === null ? 0 : this.#messages++
    if (outcome === null) return PASS
    const alerts = outcome.findings.map(({ alert, transaction }) =>
      message === null || transaction === null ? alert : withMessage(alert, message, index),
    )
    const { action, flowAction } = outcome
    if (action === 'pass' && flowAction === 'pass')
      return { kind: 'bypass', reason: 'pass-rule', alerts }
    if (action === 'alert' || action === 'pass')
      return alerts.length === 0 ? PASS : { kind: 'alert', alerts }
    if (stopsFlow(outcome)) return { kind: 'drop', alerts }
    return { kind: 'drop', alerts, scope: 'datagram' }
  }

  #dnsOf({ payload, sourcePort, destinationPort }: Packet): DnsMessage | null {
    if (payload.length === 0) return null
    const isExpected = sourcePort === DNS_PORT || destinationPort === DNS_PORT || this.#isDns
    const message = parseDnsMessage(payload)
    if (message === null || (!isExpected && !hasAllMarks(message))) return null
    this.#isDns = true
    return message
  }
}

/** A drop of the flow that a rule about more than one message asks for. */
function stopsFlow({ flowAction, findings }: Outcome): boolean {
  const drops = findings.filter(({ action }) => action !== 'alert' && action !== 'pass')
  const isAboutMessage = ({ origin }: Finding): boolean => origin === 'transaction'
  return flowAction === 'drop' && (drops.length === 0 || !drops.every(isAboutMessage))
}

/** On another port than its own: one plain question with a sound type and a name. */
function hasAllMarks({ flags, opcode, questions }: DnsMessage): boolean {
  const [question] = questions
  return (
    questions.length === 1 &&
    (flags & 0x0040) === 0 &&
    opcode === 0 &&
    question.type > 0 &&
    question.type < 300 &&
    question.name.length > 2
  )
}

function withMessage(alert: Alert, message: DnsMessage, index: number): Alert {
  return { ...alert, application: { name: 'dns', fields: dnsFields(message, index) } }
}
