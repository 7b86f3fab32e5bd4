import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Flow } from '#inspectors/inspector.ts'
import type { Finding } from '../../findings.ts'
import type { DnsLog } from '../dns-stream.ts'
import type { ReplayFlow } from '../replay-flow.ts'
import { dcerpcFields, isRpcCall } from './dcerpc-record.ts'
import { dnsFields } from './dns-record.ts'
import { httpRecord, tlsRecord } from './fields.ts'
import { fileFields } from './files.ts'

/** Parts of records that tell of a flow or of what an alert is about. */
type Fields = Record<string, unknown>

/** Types of records that are about a packet. */
export const PACKET_TYPES: ReadonlySet<string> = new Set(['alert', 'drop', 'anomaly'])

/** Where the packet is from that a record is about. */
export function packetSource({ packetNumber, outer }: ReplayFlow): string {
  if (packetNumber === null) return 'stream (flow timeout)'
  if (outer === null) return 'wire/pcap'
  if (outer.protocol === 47) return 'gre tunnel'
  return outer.version === 4 ? 'ipv4 tunnel' : 'ipv6 tunnel'
}

/** Adds addresses and ports as data of this direction has them. */
export function addEnds(record: Fields, of: ReplayFlow, flow: Flow): Fields {
  const { clientAddress, clientPort, serverAddress, serverPort } = of.connection
  const isToServer = flow === 'to_server'
  const hasPorts = of.protocol === 6 || of.protocol === 17
  record.src_ip = isToServer ? clientAddress : serverAddress
  if (hasPorts) record.src_port = isToServer ? clientPort : serverPort
  record.dest_ip = isToServer ? serverAddress : clientAddress
  if (hasPorts) record.dest_port = isToServer ? serverPort : clientPort
  return record
}

/** Who attacks whom, where the rule says so. */
export function targetFields(of: ReplayFlow, { alert, flow }: Finding): Fields {
  if (alert.target === undefined) return {}
  const { src_ip, src_port, dest_ip, dest_port } = addEnds({}, of, flow)
  const sender = { ip: src_ip, ...(src_port === undefined ? {} : { port: src_port }) }
  const receiver = { ip: dest_ip, ...(dest_port === undefined ? {} : { port: dest_port }) }
  return alert.target === 'src_ip'
    ? { source: receiver, target: sender }
    : { source: sender, target: receiver }
}

/** Files that the alert was about. */
export function filesOf({ alert, transaction }: Finding): Fields {
  if (alert.files === undefined) return {}
  const index = transaction !== null && isHttp(transaction) ? transaction.index : 0
  return { files: alert.files.map((file) => fileFields(file, index, false)) }
}

/** Protocol of the flow, and what a direction's own bytes tell where that is another one. */
export function applicationFields({ application, ids }: ReplayFlow): Fields {
  if (application === null) return {}
  const { request, response } = ids.spoken
  return {
    app_proto: application,
    ...(request === null || request === application ? {} : { app_proto_ts: request }),
    ...(response === null || response === application ? {} : { app_proto_tc: response }),
  }
}

/** Adds what the transaction says that an alert is about. */
export function addApplicationLayer(record: Fields, of: ReplayFlow, on: object | null): void {
  if (on === null) return
  if (isHttp(on)) record.http = httpRecord(on)
  else if (isDns(on)) record.dns = dnsFields(on.message, on.index)
  else if (isRpcCall(on)) record.dcerpc = dcerpcFields(on)
  else if (on === of.ids.tlsSession) record.tls = tlsRecord(of.ids.tlsSession)
}

/** A transaction is known by what it has. */
export function isHttp(transaction: object): transaction is HttpTransaction {
  return 'request' in transaction
}

function isDns(transaction: object): transaction is DnsLog {
  return 'message' in transaction
}
