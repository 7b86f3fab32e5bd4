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

type RuleFields = Pick<
  Alert,
  | 'gid'
  | 'signatureId'
  | 'rev'
  | 'category'
  | 'severity'
  | 'references'
  | 'source'
  | 'phase'
  | 'tags'
>

/** Of one rule. */
interface RuleTexts {
  readonly of: RuleFields
  /** Up to the message, and from there to the end of `alert`. */
  readonly before: string
  readonly after: string
  readonly source: string
  readonly tags: string
}

/** What records that follow each other mostly share, and what they must have in common for that. */
interface Where {
  readonly connection: Connection
  readonly transaction: HttpTransaction | null
  readonly context: HopContext
  readonly flow: AlertEvent['flow']
  readonly response: HttpTransaction['response']
  readonly responseBytes: number
  readonly before: string
  readonly after: string
  readonly ruleSet: string
}

export class RecordWriter {
  readonly #options: RecordOptions
  /** Addresses before the direction, and the community id after it. */
  readonly #connections = new WeakMap<Connection, readonly [flow: string, community: string]>()
  readonly #contexts = new WeakMap<HopContext, readonly [before: string, after: string]>()
  /** By the metadata that a rule owns. */
  readonly #rules = new WeakMap<object, RuleTexts>()
  readonly #lists = new WeakMap<readonly string[], string>()
  #where: Where | null = null
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
    const { alert, verdict } = event
    const where = this.#whereOf(event)
    const rule = this.#ruleOf(alert)
    const action = verdict === 'blocked' || verdict === 'dropped' ? 'blocked' : 'allowed'
    return (
      `{"timestamp":"${this.#timestamp(this.#options.now())}",${where.before},"alert":{"action":"${action}",${rule.before}${text(alert.message)}${rule.after}` +
      `,"portcullis":{"id":${JSON.stringify(this.#options.nextId())},${where.after},"verdict":"${verdict}","decisive":${alert.decisive}${where.ruleSet}${rule.source}${this.#found(alert)}${rule.tags}${this.#matches(alert)}}}`
    )
  }

  /** What the records of an event's transaction have in common; mostly the same as of the event before. */
  #whereOf(event: AlertEvent): Where {
    const { connection, transaction, context, flow } = event
    const response = transaction === null ? null : transaction.response
    const responseBytes = transaction === null ? 0 : transaction.responseBodyBytes
    const known = this.#where
    if (
      known !== null &&
      known.connection === connection &&
      known.transaction === transaction &&
      known.context === context &&
      known.flow === flow &&
      known.response === response &&
      known.responseBytes === responseBytes
    ) {
      return known
    }
    const [addresses, community] = this.#connection(event)
    const [hop, ruleSet] = this.#context(context)
    const requestId = transaction?.id ?? connection.id
    const http =
      transaction === null
        ? []
        : [
            `,"app_proto":"http","tx_id":${transaction.index},"http":`,
            JSON.stringify(httpFields(transaction)),
          ]
    const where = {
      connection,
      transaction,
      context,
      flow,
      response,
      responseBytes,
      before: whole([
        `"event_type":"alert",`,
        addresses,
        `,"direction":"${flow}"`,
        community,
        ...http,
      ]),
      after: whole([`"request_id":${JSON.stringify(requestId)},`, hop]),
      ruleSet,
    }
    this.#where = where
    return where
  }

  #ruleOf(alert: Alert): RuleTexts {
    const known = this.#rules.get(alert.metadata)
    if (known !== undefined && isOf(known.of, alert)) return known
    const { gid, signatureId, rev, category, severity, references, source, phase, tags } = alert
    const made = {
      of: {
        gid,
        signatureId,
        rev,
        category,
        severity,
        references,
        source,
        phase,
        tags,
      } as RuleFields,
      before: `"gid":${gid},"signature_id":${signatureId},"rev":${rev},"signature":`,
      after: whole([
        `,"category":${text(category)},"severity":${severity},"metadata":`,
        metadataText(alert),
        references.length > 0 ? `,"references":${listText(references)}}` : '}',
      ]),
      source: whole([`,"source":${text(source)}`, phase === undefined ? '' : `,"phase":${phase}`]),
      tags: tags === undefined ? '' : `,"tags":${listText(tags)}`,
    }
    this.#rules.set(alert.metadata, made)
    return made
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

  #found({ score, logdata }: Alert): string {
    return (
      (score === undefined ? '' : `,"score":${score}`) +
      (logdata === undefined ? '' : `,"logdata":${text(logdata)}`)
    )
  }

  #matches({ matches }: Alert): string {
    if (matches.length === 0) return ''
    let list = this.#match(matches[0])
    const count = Math.min(matches.length, MAX_MATCHES)
    for (let at = 1; at < count; at += 1) list += `,${this.#match(matches[at])}`
    return `,"matches":[${list}]`
  }

  #match({ variable, valueLatin1, offset, transformations }: AlertMatch): string {
    let names = this.#lists.get(transformations)
    if (names === undefined) {
      names = JSON.stringify(transformations)
      this.#lists.set(transformations, names)
    }
    return `{"variable":${text(variable)},"value":${text(valueLatin1)},"offset":${offset},"transformations":${names}}`
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

const listText = (texts: readonly string[]): string =>
  JSON.stringify(texts.slice(0, MAX_TAGS).map(cut))

const metadataText = ({ metadata }: Alert): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(metadata).map(([name, values]) => [name, values.map(cut)])),
  )

/** One flat string: what is made of it again and again is then put together of few pieces. */
const whole = (pieces: readonly string[]): string => pieces.join('')

/** True when two alerts agree in all that `RuleTexts` holds. */
const isOf = (one: RuleFields, other: RuleFields): boolean =>
  one.signatureId === other.signatureId &&
  one.gid === other.gid &&
  one.rev === other.rev &&
  one.category === other.category &&
  one.severity === other.severity &&
  one.references === other.references &&
  one.source === other.source &&
  one.phase === other.phase &&
  one.tags === other.tags

/** What all records of a connection share. */
function connectionTexts(record: AlertRecord): readonly [flow: string, community: string] {
  const { host, flow_id, src_ip, src_port, dest_ip, dest_port, proto, community_id } = record
  const flow = { host, flow_id, src_ip, src_port, dest_ip, dest_port, proto }
  const community = community_id === undefined ? '' : `,"community_id":"${community_id}"`
  return [JSON.stringify(flow).slice(1, -1), community]
}
