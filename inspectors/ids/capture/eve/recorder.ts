import { eveTimestamp } from '#chain/model/eve-values.ts'
import { communityId } from '#inspectors/eve/community-id.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Alert, Flow } from '#inspectors/inspector.ts'
import type { Finding, Outcome } from '../../findings.ts'
import type { ExceptionTarget } from '../../configuration/exception-policies.ts'
import { type Packet, protocolName } from '../packet.ts'
import type { ReplayCounts } from '../replay.ts'
import type { DropReason } from '../drop-reason.ts'
import type { DnsLog } from '../dns-stream.ts'
import type { FlowEnd } from '../flow-table.ts'
import type { ReplayFlow } from '../replay-flow.ts'
import {
  alertFields,
  blocks,
  forwardedAddress,
  payloadFields,
  wantsPayload,
  verdictFields,
} from './alert-fields.ts'
import { dnsFields, dnsFieldsV2, hasType } from './dns-record.ts'
import {
  PACKET_TYPES,
  applicationFields,
  addApplicationLayer,
  addEnds,
  filesOf,
  isHttp,
  packetSource,
  targetFields,
} from './flow-fields.ts'
import { flowMetadata } from './flow-metadata.ts'
import { RuleTexts } from './rule-texts.ts'
import { dropRecord, httpRecord, tcpRecord, tlsRecord } from './fields.ts'
import { BodyFiles } from './files.ts'
import { type EveSettings, FULL_EVE } from './settings.ts'
import { type PortSets, RecorderCounts, type RuleFigures, statsRecord } from './stats.ts'

/** Alerts about other things that quote one and the same transaction. */
const MAX_GUESSES = 4

export type EveRecord = Readonly<Record<string, unknown>>
type Fields = Record<string, unknown>

export interface RecorderOptions {
  readonly inline: boolean
  /** Of the records only the statistics are wanted. */
  readonly isSilent: boolean
  readonly settings?: EveSettings
  readonly rules?: RuleFigures
  /** An alert about a stream quotes the transaction that the stream has come to. */
  readonly guessesTransaction?: boolean
}

/** Makes EVE records of what a replay tells, with Suricata's names. */
export class EveRecorder {
  readonly #write: (record: EveRecord) => void
  readonly #isInline: boolean
  readonly #isSilent: boolean
  readonly #settings: EveSettings
  readonly #rules: RuleFigures | null
  readonly guessesTransaction: boolean
  readonly #texts = new RuleTexts()
  /** EVE's `alert` of each rule that blocks nothing and says nothing of the packet, by where the rule stands. */
  readonly #allowed = new Map<string, Fields>()
  readonly #files = new BodyFiles()
  /** Alerts that quote a transaction by guess. */
  readonly #guessed = new WeakMap<object, number>()
  /** Directions of flows whose drop was told once. */
  readonly #dropTold = new WeakMap<ReplayFlow, Set<Flow>>()
  readonly counts = new RecorderCounts()

  constructor(write: (record: EveRecord) => void, options: RecorderOptions) {
    this.#write = write
    this.#isInline = options.inline
    this.#isSilent = options.isSilent
    this.#settings = options.settings ?? FULL_EVE
    this.#rules = options.rules ?? null
    this.guessesTransaction = options.guessesTransaction ?? false
  }

  outcome(of: ReplayFlow, outcome: Outcome): void {
    this.counts.alerts += outcome.findings.length
    this.counts.discarded += outcome.discarded
    this.counts.suppressed += outcome.suppressed
    if (outcome.action.startsWith('reject')) this.counts.rejected += 1
    if (!this.#writes('alert')) return
    for (const finding of outcome.findings) this.#alert(of, finding, outcome)
  }

  http(of: ReplayFlow, transaction: HttpTransaction): void {
    this.#files.forget(transaction)
    if (!this.#writes('http')) return
    this.#write({
      ...this.#common(of, 'http', 'to_server'),
      tx_id: transaction.index,
      http: httpRecord(transaction, this.#settings.http.extended),
      ...this.#metadata(of),
    })
  }

  body(_of: ReplayFlow, transaction: HttpTransaction, flow: Flow, chunk: Buffer): void {
    if (this.#writes('fileinfo')) this.#files.body(transaction, flow, chunk)
  }

  file(of: ReplayFlow, transaction: HttpTransaction, flow: Flow): void {
    if (!this.#writes('fileinfo')) return
    const hasGaps = (of.tcp?.gaps(flow) ?? 0) > 0
    for (const fileinfo of this.#files.close(transaction, flow, hasGaps))
      this.#write({
        ...this.#common(of, 'fileinfo', flow),
        app_proto: 'http',
        http: httpRecord(transaction),
        fileinfo,
      })
  }

  dns(of: ReplayFlow, log: DnsLog, flow: Flow): void {
    if (!this.#writes('dns')) return
    const { version, requests, responses, types } = this.#settings.dns
    const { message, index } = log
    if (!(message.isResponse ? responses : requests)) return
    if (types !== null && !hasType(message, types)) return
    // Version 2 names the client first, whoever speaks.
    const common = this.#common(of, 'dns', version === 2 ? 'to_server' : flow)
    if (version === 3) this.#write({ ...common, dns: dnsFields(message, index) })
    else for (const dns of dnsFieldsV2(message, index)) this.#write({ ...common, dns })
  }

  tls(of: ReplayFlow): void {
    if (!this.#writes('tls') || of.ids.tlsSession === null) return
    this.#write({
      ...this.#common(of, 'tls', 'to_server'),
      tls: tlsRecord(of.ids.tlsSession),
    })
  }

  drop(of: ReplayFlow, packet: Packet, flow: Flow, reason: DropReason, by: Outcome | null): void {
    this.counts.drop(reason)
    if (!this.#writes('drop') || this.#isDropTold(of, flow)) return
    const { drop, alert } = this.#settings
    const rule = by?.dropped ?? null
    this.#write({
      ...this.#common(of, 'drop', flow),
      ...(rule === null || !drop.alerts ? {} : { alert: alertFields(rule.alert, true, alert) }),
      direction: flow,
      drop: dropRecord(packet, reason),
      ...(drop.verdict
        ? {
            verdict:
              by === null
                ? { action: 'drop' }
                : verdictFields(by, flow, of.protocol, this.#isInline),
          }
        : {}),
    })
  }

  flow(of: ReplayFlow, reason: FlowEnd): void {
    if (!this.#writes('flow')) return
    const { openedAt } = of.connection
    this.#write({
      ...this.#common(of, 'flow', 'to_server'),
      ...applicationFields(of),
      flow: {
        ...this.#counts(of),
        end: eveTimestamp(of.lastMs),
        age: Math.floor(of.lastMs / 1000) - Math.floor(openedAt / 1000),
        state: of.state,
        reason,
        alerted: of.alerts > 0,
        tx_cnt: of.transactions,
        ...(of.fate.isDropped ? { action: 'drop' } : of.fate.isPassed ? { action: 'pass' } : {}),
        ...(of.fate.isBypassed ? { bypass: 'local' } : {}),
        ...this.#exceptions(of),
      },
      ...this.#metadata(of),
      ...tcpRecord(of),
    })
  }

  stats(nowMs: number, counts: ReplayCounts, portSets: PortSets | null = null): void {
    const { types } = this.#settings
    if (types !== null && !types.has('stats')) return
    this.#write(
      statsRecord(nowMs, counts, this.counts, {
        isInline: this.#isInline,
        rules: this.#rules,
        portSets,
      }),
    )
  }

  #alert(of: ReplayFlow, finding: Finding, outcome: Outcome): void {
    const settings = this.#settings.alert
    const guess = finding.transaction === null ? this.#guess(of) : null
    const on = finding.transaction ?? guess
    const record = this.#common(of, 'alert', finding.flow)
    if (on !== null) record.tx_id = 'index' in on ? on.index : 0
    if (guess !== null) record.tx_guessed = true
    record.alert = this.#alertFields(of, finding)
    if (settings.applicationLayer) addApplicationLayer(record, of, on)
    Object.assign(record, filesOf(finding), applicationFields(of))
    record.direction = finding.flow
    if (wantsPayload(settings)) Object.assign(record, payloadFields(of.seen(finding), settings))
    record.stream = of.seesStream(finding.origin) ? 1 : 0
    if (settings.verdict)
      record.verdict = verdictFields(outcome, finding.flow, of.protocol, this.#isInline)
    if (settings.flow) record.flow = addEnds(this.#counts(of), of, 'to_server')
    Object.assign(record, this.#metadata(of))
    this.#addForwarded(record, finding)
    this.#write(record)
  }

  /** The transaction that a rule about something else may be about. */
  #guess(of: ReplayFlow): object | null {
    const transaction = of.transaction ?? of.ids.tlsSession
    if (!this.guessesTransaction || transaction === null) return null
    const told = this.#guessed.get(transaction) ?? 0
    if (told >= MAX_GUESSES) return null
    this.#guessed.set(transaction, told + 1)
    return transaction
  }

  #alertFields(of: ReplayFlow, finding: Finding): Fields {
    const { alert } = finding
    const isBlocked = blocks(finding, this.#isInline)
    if (isBlocked || alert.context !== undefined || alert.target !== undefined)
      return { ...this.#fieldsOfRule(alert, isBlocked), ...targetFields(of, finding) }
    let fields = this.#allowed.get(alert.source)
    if (fields === undefined) {
      fields = this.#fieldsOfRule(alert, false)
      this.#allowed.set(alert.source, fields)
    }
    return fields
  }

  #fieldsOfRule(alert: Alert, isBlocked: boolean): Fields {
    const settings = this.#settings.alert
    const text = settings.ruleText ? this.#texts.at(alert.source) : undefined
    return {
      ...alertFields(alert, isBlocked, settings),
      ...(text === undefined ? {} : { rule: text }),
    }
  }

  #metadata(of: ReplayFlow): Fields {
    return this.#settings.metadata ? flowMetadata(of.ids.state) : {}
  }

  /** A proxy's word about the client, in the alert or in place of its address. */
  #addForwarded(record: Fields, { transaction, flow }: Finding): void {
    const { xff } = this.#settings.alert
    if (xff === null || transaction === null || !isHttp(transaction)) return
    const address = forwardedAddress(transaction, xff)
    if (address === null) return
    if (xff.mode === 'extra-data') record.alert = { ...(record.alert as Fields), xff: address }
    else if (flow === 'to_server') record.src_ip = address
    else record.dest_ip = address
  }

  /** What decoder and stream engine found wrong with a packet. */
  faults(of: ReplayFlow, packet: Packet, flow: Flow): void {
    if (!this.#writes('anomaly')) return
    const { decode, stream } = this.#settings.anomaly
    for (const event of packet.events) {
      const isStream = event.startsWith('stream.')
      if (!(isStream ? stream : decode)) continue
      this.#write({
        ...this.#common(of, 'anomaly', flow),
        anomaly: { type: isStream ? 'stream' : 'decode', event },
      })
    }
  }

  exception(of: ReplayFlow, target: ExceptionTarget): void {
    const policy = of.fate.exceptions?.get(target)
    if (policy !== undefined) this.counts.exception(target, policy)
  }

  #exceptions({ fate }: ReplayFlow): Fields {
    if (!this.#settings.flow.exceptionPolicy || fate.exceptions === null) return {}
    return {
      exception_policy: Array.from(fate.exceptions, ([target, policy]) => ({
        target,
        policy: policy.replace('-', '_'),
      })),
    }
  }

  #writes(type: string): boolean {
    const { types } = this.#settings
    return !this.#isSilent && (types === null || types.has(type))
  }

  /** With `flows: start`: a flow that is dropped as a whole is told once in a direction. */
  #isDropTold(of: ReplayFlow, flow: Flow): boolean {
    if (this.#settings.drop.flows === 'all' || !of.fate.isDropped) return false
    const told = this.#dropTold.get(of) ?? new Set<Flow>()
    this.#dropTold.set(of, told)
    if (told.has(flow)) return true
    told.add(flow)
    return false
  }

  #counts(of: ReplayFlow): Fields {
    return {
      pkts_toserver: of.packetsToServer,
      pkts_toclient: of.packetsToClient,
      bytes_toserver: of.bytesToServer,
      bytes_toclient: of.bytesToClient,
      start: eveTimestamp(of.connection.openedAt),
    }
  }

  #common(of: ReplayFlow, type: string, flow: Flow): Fields {
    const { outer } = of
    const record: Fields = { timestamp: eveTimestamp(of.lastMs), flow_id: of.connection.flowId }
    if (of.packetNumber !== null) record.pcap_cnt = of.packetNumber
    record.event_type = type
    if (of.vlans.length > 0) record.vlan = of.vlans
    addEnds(record, of, flow)
    record.proto = protocolName(of.protocol)
    record.ip_v = of.version
    if (PACKET_TYPES.has(type)) record.pkt_src = packetSource(of)
    this.#addCommunity(record, of)
    if (outer !== null)
      record.tunnel = {
        src_ip: outer.source,
        src_port: outer.sourcePort,
        dest_ip: outer.destination,
        dest_port: outer.destinationPort,
        proto: protocolName(outer.protocol),
        depth: 0,
      }
    return record
  }

  #addCommunity(record: Fields, { connection, protocol }: ReplayFlow): void {
    const seed = this.#settings.communityIdSeed
    if (seed === null) return
    const { clientAddress, clientPort, serverAddress, serverPort } = connection
    const id = communityId(clientAddress, clientPort, serverAddress, serverPort, protocol, seed)
    if (id !== undefined) record.community_id = id
  }
}
