import { createHash, type Hash } from 'node:crypto'
import { eveTimestamp } from '#chain/model/eve-values.ts'
import { headerValue, type HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Alert, Flow } from '#inspectors/inspector.ts'
import { BodyDecoder } from '../../coding/body-decoder.ts'
import { type Packet, protocolName } from '../packet.ts'
import type { ReplayCounts } from '../replay.ts'
import type { DnsLog, ReplayFlow } from '../replay-flow.ts'
import { dnsFields } from './dns-record.ts'
import { alertRecord, dropRecord, fileNameOf, httpRecord, tcpRecord, tlsRecord } from './fields.ts'

/** Bytes of one file that are decoded for its size and sums. */
export const MAX_FILE_BYTES = 1_048_576

/** Bytes of a packet or stream that an alert quotes. */
export const MAX_PAYLOAD_BYTES = 4096

export type EveRecord = Readonly<Record<string, unknown>>

interface OpenFile {
  readonly decoder: BodyDecoder
  readonly md5: Hash
  readonly sha256: Hash
  bytes: number
}

/** Makes EVE records of what a replay tells, with Suricata's names. */
export class EveRecorder {
  readonly #write: (record: EveRecord) => void
  readonly #isInline: boolean
  readonly #files = new Map<HttpTransaction, Record<Flow, OpenFile | null>>()
  readonly #isSilent: boolean
  alerts = 0
  drops = 0

  constructor(
    write: (record: EveRecord) => void,
    options: { readonly inline: boolean; readonly isSilent: boolean },
  ) {
    this.#write = write
    this.#isInline = options.inline
    this.#isSilent = options.isSilent
  }

  alert(of: ReplayFlow, alert: Alert, flow: Flow, on: HttpTransaction | DnsLog | null): void {
    this.alerts += 1
    if (this.#isSilent) return
    const { payload, isStream } = of.seen(flow)
    const isHttp = on !== null && 'request' in on
    this.#write({
      ...this.#common(of, 'alert', flow),
      ...(of.application === null ? {} : { app_proto: of.application }),
      ...(on === null ? {} : { tx_id: on.index }),
      alert: alertRecord(alert, this.#isInline && alert.decisive),
      ...(isHttp ? { http: httpRecord(on) } : {}),
      ...(on !== null && !isHttp ? { dns: dnsFields(on.message, on.index) } : {}),
      ...(of.application === 'tls' && of.ids.tlsSession !== null
        ? { tls: tlsRecord(of.ids.tlsSession) }
        : {}),
      direction: flow,
      ...(payload.length === 0
        ? {}
        : {
            payload: payload.subarray(-MAX_PAYLOAD_BYTES).toString('base64'),
            payload_printable: printable(payload.subarray(-MAX_PAYLOAD_BYTES)),
          }),
      stream: isStream ? 1 : 0,
      ...(this.#isInline ? { verdict: { action: alert.decisive ? 'drop' : 'alert' } } : {}),
      flow: { ...this.#counts(of), ...this.#ends(of, 'to_server') },
    })
  }

  http(of: ReplayFlow, transaction: HttpTransaction): void {
    this.#files.delete(transaction)
    if (this.#isSilent) return
    this.#write({
      ...this.#common(of, 'http', 'to_server'),
      tx_id: transaction.index,
      http: httpRecord(transaction),
    })
  }

  body(_of: ReplayFlow, transaction: HttpTransaction, flow: Flow, chunk: Buffer): void {
    if (this.#isSilent) return
    const files = this.#files.get(transaction) ?? { to_server: null, to_client: null }
    this.#files.set(transaction, files)
    const file = (files[flow] ??= openFile(transaction, flow))
    this.#decoded(file, file.decoder.push(chunk, false))
  }

  file(of: ReplayFlow, transaction: HttpTransaction, flow: Flow): void {
    if (this.#isSilent) return
    const file = this.#files.get(transaction)?.[flow]
    if (file === null || file === undefined) return
    this.#decoded(file, file.decoder.push(Buffer.alloc(0), true))
    const name = fileNameOf(transaction, flow === 'to_client')
    const gaps = (of.tcp?.gaps(flow) ?? 0) > 0
    this.#write({
      ...this.#common(of, 'fileinfo', flow),
      app_proto: 'http',
      http: httpRecord(transaction),
      fileinfo: {
        ...(name === null ? {} : { filename: name }),
        gaps,
        state: isWhole(transaction, flow) ? 'CLOSED' : 'TRUNCATED',
        ...(gaps ? {} : { md5: file.md5.digest('hex'), sha256: file.sha256.digest('hex') }),
        stored: false,
        size: file.bytes,
        tx_id: transaction.index,
      },
    })
  }

  dns(of: ReplayFlow, log: DnsLog, flow: Flow): void {
    if (this.#isSilent) return
    this.#write({ ...this.#common(of, 'dns', flow), dns: dnsFields(log.message, log.index) })
  }

  tls(of: ReplayFlow): void {
    if (this.#isSilent || of.ids.tlsSession === null) return
    this.#write({
      ...this.#common(of, 'tls', 'to_server'),
      tls: tlsRecord(of.ids.tlsSession),
    })
  }

  drop(of: ReplayFlow, packet: Packet, flow: Flow, reason: string, alert: Alert | null): void {
    this.drops += 1
    if (this.#isSilent) return
    this.#write({
      ...this.#common(of, 'drop', flow),
      ...(alert === null ? {} : { alert: alertRecord(alert, true) }),
      direction: flow,
      drop: dropRecord(packet, reason),
    })
  }

  flow(of: ReplayFlow): void {
    if (this.#isSilent) return
    const { openedAt } = of.connection
    const state =
      of.tcp === null
        ? of.isEstablished
          ? 'established'
          : 'new'
        : of.tcp.state === 'closed'
          ? 'closed'
          : of.isEstablished && of.isFollowed
            ? 'established'
            : 'new'
    this.#write({
      ...this.#common(of, 'flow', 'to_server'),
      ...(of.application === null ? {} : { app_proto: of.application }),
      flow: {
        ...this.#counts(of),
        end: eveTimestamp(of.lastMs),
        age: Math.floor(of.lastMs / 1000) - Math.floor(openedAt / 1000),
        state,
        reason: 'shutdown',
        alerted: of.alerts > 0,
        tx_cnt: of.transactions,
        ...(of.isDropped ? { action: 'drop' } : of.isPassed ? { action: 'pass' } : {}),
      },
      ...tcpRecord(of),
    })
  }

  stats(nowMs: number, counts: ReplayCounts): void {
    this.#write({
      timestamp: eveTimestamp(nowMs),
      event_type: 'stats',
      stats: {
        uptime: 0,
        decoder: {
          pkts: counts.packets,
          bytes: counts.bytes,
          invalid: counts.undecoded,
          ...counts.protocols,
        },
        flow: { total: counts.flows },
        detect: { alert: this.alerts },
        ...(this.#isInline
          ? { ips: { accepted: counts.packets - this.drops, blocked: this.drops } }
          : {}),
      },
    })
  }

  #decoded(file: OpenFile, bytes: Buffer): void {
    file.bytes += bytes.length
    file.md5.update(bytes)
    file.sha256.update(bytes)
  }

  #counts(of: ReplayFlow): EveRecord {
    return {
      pkts_toserver: of.counts.to_server.packets,
      pkts_toclient: of.counts.to_client.packets,
      bytes_toserver: of.counts.to_server.bytes,
      bytes_toclient: of.counts.to_client.bytes,
      start: eveTimestamp(of.connection.openedAt),
    }
  }

  #ends(of: ReplayFlow, flow: Flow): EveRecord {
    const { clientAddress, clientPort, serverAddress, serverPort } = of.connection
    const [from, fromPort, to, toPort] =
      flow === 'to_server'
        ? [clientAddress, clientPort, serverAddress, serverPort]
        : [serverAddress, serverPort, clientAddress, clientPort]
    return {
      src_ip: from,
      ...(of.protocol === 6 || of.protocol === 17 ? { src_port: fromPort } : {}),
      dest_ip: to,
      ...(of.protocol === 6 || of.protocol === 17 ? { dest_port: toPort } : {}),
    }
  }

  #common(of: ReplayFlow, type: string, flow: Flow): Record<string, unknown> {
    const { outer } = of
    return {
      timestamp: eveTimestamp(of.lastMs),
      flow_id: of.connection.flowId,
      pcap_cnt: of.packetNumber,
      event_type: type,
      ...(of.vlans.length === 0 ? {} : { vlan: of.vlans }),
      ...this.#ends(of, flow),
      proto: protocolName(of.protocol),
      ip_v: of.version,
      ...(outer === null
        ? {}
        : {
            tunnel: {
              src_ip: outer.source,
              src_port: outer.sourcePort,
              dest_ip: outer.destination,
              dest_port: outer.destinationPort,
              proto: protocolName(outer.protocol),
              depth: 0,
            },
          }),
    }
  }
}

/** Text with a dot for every byte that cannot be shown. */
function printable(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/[^\t\n\r -~]/g, '.')
}

function openFile(transaction: HttpTransaction, flow: Flow): OpenFile {
  const headers =
    flow === 'to_server' ? transaction.request.headers : (transaction.response?.headers ?? [])
  return {
    decoder: new BodyDecoder(headerValue(headers, 'content-encoding'), MAX_FILE_BYTES),
    md5: createHash('md5'),
    sha256: createHash('sha256'),
    bytes: 0,
  }
}

function isWhole(transaction: HttpTransaction, flow: Flow): boolean {
  const head = flow === 'to_server' ? transaction.request : transaction.response
  const bytes = flow === 'to_server' ? transaction.requestBodyBytes : transaction.responseBodyBytes
  return head?.framing.kind !== 'length' || bytes >= head.framing.bytes
}
