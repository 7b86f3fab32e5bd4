import type { AlertRecord } from '#chain/model/eve.ts'
import { eveTimestamp, MAX_RECORD_BYTES } from '#chain/model/eve-values.ts'
import type { AlertEvent } from '../chain/hop.ts'
import type { Alert } from '../inspector.ts'
import { communityId } from './community-id.ts'
import { httpFields } from './http-fields.ts'

/** Bounds of what one record takes over from a rule. */
export const MAX_MATCHES = 16
export const MAX_TEXT_CHARACTERS = 1_024
export const MAX_TAGS = 32

export interface RecordOptions {
  /** Name of the hypervisor. */
  readonly host: string
  readonly nextId: () => string
  /** Milliseconds since the epoch, with fractions. */
  readonly now: () => number
}

const cut = (text: string): string =>
  text.length <= MAX_TEXT_CHARACTERS ? text : text.slice(0, MAX_TEXT_CHARACTERS)

/** The EVE record of one alert. Direction is that of the flow: `src` is always the client. */
export function alertRecord(event: AlertEvent, options: RecordOptions): AlertRecord {
  const { connection, transaction, alert, verdict, context } = event
  const id = communityId(
    connection.clientAddress,
    connection.clientPort,
    connection.serverAddress,
    connection.serverPort,
    connection.protocol,
  )
  const record = {
    timestamp: eveTimestamp(options.now()),
    event_type: 'alert' as const,
    host: options.host,
    flow_id: connection.flowId,
    src_ip: connection.clientAddress,
    src_port: connection.clientPort,
    dest_ip: connection.serverAddress,
    dest_port: connection.serverPort,
    proto: connection.otherProtocol ?? (connection.protocol === 'udp' ? 'UDP' : 'TCP'),
    direction: event.flow,
    ...(id === undefined || connection.otherProtocol !== undefined ? {} : { community_id: id }),
    ...(transaction === null
      ? {}
      : {
          app_proto: 'http',
          tx_id: transaction.index,
          http: httpFields(transaction, alert.quoted),
        }),
    ...(alert.application === undefined
      ? {}
      : { app_proto: alert.application.name, [alert.application.name]: alert.application.fields }),
    alert: {
      action:
        verdict === 'blocked' || verdict === 'dropped'
          ? ('blocked' as const)
          : ('allowed' as const),
      gid: alert.gid,
      signature_id: alert.signatureId,
      rev: alert.rev,
      signature: cut(alert.message),
      category: cut(alert.category),
      severity: alert.severity,
      metadata: Object.fromEntries(
        Object.entries(alert.metadata).map(([name, values]) => [name, values.map(cut)]),
      ),
      ...(alert.references.length > 0
        ? { references: alert.references.slice(0, MAX_TAGS).map(cut) }
        : {}),
    },
    portcullis: {
      id: options.nextId(),
      request_id: transaction?.id ?? connection.id,
      tenant: context.tenant,
      ...(context.network === undefined ? {} : { network: context.network }),
      port: context.port,
      attachment: context.attachment,
      chain: context.chain,
      inspector: context.inspector,
      ...(context.mode === undefined ? {} : { mode: context.mode }),
      verdict,
      decisive: alert.decisive,
      ...(context.ruleSet === undefined ? {} : { rule_set: context.ruleSet }),
      source: cut(alert.source),
      ...ruleFields(alert),
    },
  }
  return record
}

function ruleFields(alert: Alert): Partial<AlertRecord['portcullis']> {
  return {
    ...(alert.phase === undefined ? {} : { phase: alert.phase }),
    ...(alert.score === undefined ? {} : { score: alert.score }),
    ...(alert.logdata === undefined ? {} : { logdata: cut(alert.logdata) }),
    ...(alert.tags === undefined ? {} : { tags: alert.tags.slice(0, MAX_TAGS).map(cut) }),
    ...(alert.matches.length === 0
      ? {}
      : {
          matches: alert.matches.slice(0, MAX_MATCHES).map((match) => ({
            variable: cut(match.variable),
            value: cut(match.valueLatin1),
            offset: match.offset,
            transformations: [...match.transformations],
          })),
        }),
  }
}

/**
 * One line of NDJSON without its line end, at most MAX_RECORD_BYTES: what explains gives way before
 * what identifies.
 */
export function recordLine(record: AlertRecord): string {
  const line = JSON.stringify(record)
  if (Buffer.byteLength(line) < MAX_RECORD_BYTES) return line
  const { matches, tags, logdata, ...portcullis } = record.portcullis
  const { metadata, ...alert } = record.alert
  const { request_headers, response_headers, ...http } = record.http ?? {}
  const { dns, ...rest } = record as AlertRecord & { dns?: unknown }
  void [matches, tags, logdata, metadata, request_headers, response_headers, dns]
  return JSON.stringify({
    ...rest,
    alert,
    portcullis,
    ...(record.http === undefined ? {} : { http }),
  })
}
