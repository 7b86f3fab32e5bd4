import type { AlertRecord } from '#chain/model/eve.ts'
import { eveTimestamp, MAX_RECORD_BYTES } from '#chain/model/eve-values.ts'
import type { AlertEvent, HopContext } from '../chain/hop.ts'
import type { HttpTransaction } from '../http/transaction.ts'
import type { Alert, AlertMatch, Connection } from '../inspector.ts'
import {
  alertRecord,
  MAX_MATCHES,
  MAX_TAGS,
  MAX_TEXT_CHARACTERS,
  recordLine,
  type RecordOptions,
} from './alert-record.ts'
import { httpFields } from './http-fields.ts'

/**
 * Writes records as text: the same line that `recordLine(alertRecord(event))` gives, which is its slow twin
 * and takes over where a record is out of the ordinary. An attack makes several records that differ in
 * little, so what a connection, a transaction, a rule or a hop has in common is made into text once. The
 * parts are kept with the object they are about and go with it; they must not change, and their types say
 * that they do not.
 */

/** UTF-8 needs at most this many bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3
const MS_PER_SECOND = 1000
/** `2026-07-08T02:54:07.` */
const SECOND_CHARACTERS = 20

export class RecordWriter {
  readonly #options: RecordOptions
  /** Addresses before the direction, and the community id after it. */
  readonly #connections = new WeakMap<Connection, readonly [flow: string, community: string]>()
  readonly #contexts = new WeakMap<HopContext, readonly [before: string, after: string]>()
  /** Of lists and metadata that rules own. */
  readonly #constants = new WeakMap<object, string>()
  #transaction: HttpTransaction | null = null
  #response: HttpTransaction['response'] = null
  #responseBytes = 0
  #http = ''
  #second = -1
  #secondText = ''

  constructor(options: RecordOptions) {
    this.#options = options
  }

  /** One line of NDJSON without its line end, at most MAX_RECORD_BYTES. */
  line(event: AlertEvent): string {
    const { alert } = event
    if (alert.application !== undefined || alert.quoted !== undefined) return this.#slowly(event)
    const line = this.#compose(event)
    return line.length * MAX_BYTES_PER_UNIT < MAX_RECORD_BYTES ? line : this.#slowly(event)
  }

  #slowly(event: AlertEvent): string {
    return recordLine(alertRecord(event, this.#options))
  }

  #compose(event: AlertEvent): string {
    const { connection, transaction, alert, verdict } = event
    const [flow, community] = this.#connection(event)
    const http =
      transaction === null
        ? ''
        : `,"app_proto":"http","tx_id":${transaction.index},"http":${this.#httpOf(transaction)}`
    const action = verdict === 'blocked' || verdict === 'dropped' ? 'blocked' : 'allowed'
    const references =
      alert.references.length > 0 ? `,"references":${this.#list(alert.references)}` : ''
    const [hop, ruleSet] = this.#context(event.context)
    const requestId = transaction?.id ?? connection.id
    return (
      `{"timestamp":"${this.#timestamp(this.#options.now())}","event_type":"alert",${flow},"direction":"${event.flow}"${community}${http}` +
      `,"alert":{"action":"${action}","gid":${alert.gid},"signature_id":${alert.signatureId},"rev":${alert.rev},"signature":${text(alert.message)},"category":${text(alert.category)},"severity":${alert.severity},"metadata":${this.#metadata(alert)}${references}}` +
      `,"portcullis":{"id":${JSON.stringify(this.#options.nextId())},"request_id":${JSON.stringify(requestId)},${hop},"verdict":"${verdict}","decisive":${alert.decisive}${ruleSet},"source":${text(alert.source)}${this.#rule(alert)}}}`
    )
  }

  #connection(event: AlertEvent): readonly [flow: string, community: string] {
    const { connection } = event
    let known = this.#connections.get(connection)
    if (known === undefined) {
      known = connectionTexts(alertRecord(event, this.#options))
      this.#connections.set(connection, known)
    }
    return known
  }

  #context(context: HopContext): readonly [before: string, after: string] {
    let known = this.#contexts.get(context)
    if (known === undefined) {
      const { tenant, network, port, attachment, chain, inspector, mode, ruleSet } = context
      const fields = { tenant, network, port, attachment, chain, inspector, mode }
      known = [
        JSON.stringify(fields).slice(1, -1),
        ruleSet === undefined ? '' : `,"rule_set":${JSON.stringify(ruleSet)}`,
      ]
      this.#contexts.set(context, known)
    }
    return known
  }

  #httpOf(transaction: HttpTransaction): string {
    const { response, responseBodyBytes } = transaction
    if (
      this.#transaction !== transaction ||
      this.#response !== response ||
      this.#responseBytes !== responseBodyBytes
    ) {
      this.#transaction = transaction
      this.#response = response
      this.#responseBytes = responseBodyBytes
      this.#http = JSON.stringify(httpFields(transaction))
    }
    return this.#http
  }

  #metadata({ metadata }: Alert): string {
    let known = this.#constants.get(metadata)
    if (known === undefined) {
      known = JSON.stringify(
        Object.fromEntries(
          Object.entries(metadata).map(([name, values]) => [name, values.map(cut)]),
        ),
      )
      this.#constants.set(metadata, known)
    }
    return known
  }

  #list(texts: readonly string[]): string {
    let known = this.#constants.get(texts)
    if (known === undefined) {
      known = JSON.stringify(texts.slice(0, MAX_TAGS).map(cut))
      this.#constants.set(texts, known)
    }
    return known
  }

  #rule({ phase, score, logdata, tags, matches }: Alert): string {
    return (
      (phase === undefined ? '' : `,"phase":${phase}`) +
      (score === undefined ? '' : `,"score":${score}`) +
      (logdata === undefined ? '' : `,"logdata":${text(logdata)}`) +
      (tags === undefined ? '' : `,"tags":${this.#list(tags)}`) +
      (matches.length === 0
        ? ''
        : `,"matches":[${matches.slice(0, MAX_MATCHES).map(match).join(',')}]`)
    )
  }

  #timestamp(epochMs: number): string {
    const rounded = Math.round(epochMs * 1000)
    const whole = Math.floor(rounded / 1000)
    const second = Math.floor(whole / MS_PER_SECOND)
    if (second !== this.#second) {
      this.#second = second
      this.#secondText = eveTimestamp(second * MS_PER_SECOND).slice(0, SECOND_CHARACTERS)
    }
    const millis = whole - second * MS_PER_SECOND
    const micros = rounded - whole * 1000
    return `${this.#secondText}${padded(millis)}${padded(micros)}+0000`
  }
}

const padded = (value: number): string => String(value).padStart(3, '0')

const cut = (value: string): string =>
  value.length <= MAX_TEXT_CHARACTERS ? value : value.slice(0, MAX_TEXT_CHARACTERS)

const text = (value: string): string => JSON.stringify(cut(value))

const match = ({ variable, valueLatin1, offset, transformations }: AlertMatch): string =>
  `{"variable":${text(variable)},"value":${text(valueLatin1)},"offset":${offset},"transformations":${JSON.stringify(transformations)}}`

/** What all records of a connection share. */
function connectionTexts(record: AlertRecord): readonly [flow: string, community: string] {
  const { host, flow_id, src_ip, src_port, dest_ip, dest_port, proto, community_id } = record
  const flow = { host, flow_id, src_ip, src_port, dest_ip, dest_port, proto }
  const community = community_id === undefined ? '' : `,"community_id":"${community_id}"`
  return [JSON.stringify(flow).slice(1, -1), community]
}
