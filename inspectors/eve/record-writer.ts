import type { AlertRecord } from '#chain/model/eve.ts'
import { eveTimestamp, MAX_RECORD_BYTES } from '#chain/model/eve-values.ts'
import type { AlertEvent, AlertVerdict, HopContext } from '../chain/hop.ts'
import type { HttpTransaction } from '../http/transaction.ts'
import type { Alert, Connection } from '../inspector.ts'
import {
  alertRecord,
  MAX_MATCHES,
  MAX_TAGS,
  MAX_TEXT_CHARACTERS,
  recordLine,
  type RecordOptions,
} from './alert-record.ts'
import { HttpBytes } from './http-bytes.ts'
import { LineBytes } from './line-bytes.ts'

/**
 * Writes records as bytes: the same line that `recordLine(alertRecord(event))` gives, which is its slow twin
 * and takes over where a record is out of the ordinary. An attack makes several records that differ in
 * little, so what a connection, a transaction, a rule or a hop has in common is made into bytes once. The
 * parts are kept with the object they are about and go with it; they must not change, and their types say
 * that they do not.
 */

const MS_PER_SECOND = 1000
/** `2026-07-08T02:54:07.` */
const SECOND_CHARACTERS = 20

const utf8 = (text: string): Buffer => Buffer.from(text)

const EVENT_TYPE = utf8('"event_type":"alert",')
const TO_SERVER = utf8(',"direction":"to_server"')
const TO_CLIENT = utf8(',"direction":"to_client"')
const TX_ID = utf8(',"app_proto":"http","tx_id":')
const HTTP = utf8(',"http":')
const REQUEST_ID = utf8(',"request_id":')
const TIMESTAMP = utf8('{"timestamp":"')
const ZONE = utf8('+0000",')
const ALERT_ALLOWED = utf8(',"alert":{"action":"allowed",')
const ALERT_BLOCKED = utf8(',"alert":{"action":"blocked",')
const OWN = utf8(',"portcullis":{"id":')
const COMMA = utf8(',')
const SCORE = utf8(',"score":')
const LOGDATA = utf8(',"logdata":')
const MATCHES = utf8(',"matches":[')
const MATCH = utf8('{"variable":')
const VALUE = utf8(',"value":')
const OFFSET = utf8(',"offset":')
const TRANSFORMATIONS = utf8(',"transformations":')
const END_OF_OBJECT = utf8('}')
const END_OF_LIST = utf8(']')
const END_OF_RECORD = utf8('}}')

const verdictBytes = (verdict: AlertVerdict): readonly [plain: Buffer, decisive: Buffer] => [
  utf8(`,"verdict":"${verdict}","decisive":false`),
  utf8(`,"verdict":"${verdict}","decisive":true`),
]
const VERDICTS: Readonly<Record<AlertVerdict, readonly [plain: Buffer, decisive: Buffer]>> = {
  passed: verdictBytes('passed'),
  blocked: verdictBytes('blocked'),
  dropped: verdictBytes('dropped'),
  'would-block': verdictBytes('would-block'),
  bypassed: verdictBytes('bypassed'),
}

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
interface RuleBytes {
  readonly of: RuleFields
  /** Up to the message, and from there to the end of `alert`. */
  readonly before: Buffer
  readonly after: Buffer
  readonly source: Buffer
  readonly tags: Buffer
}

/** What records that follow each other mostly share, and what they must have in common for that. */
interface Where {
  readonly connection: Connection
  readonly transaction: HttpTransaction | null
  readonly context: HopContext
  readonly flow: AlertEvent['flow']
  readonly response: HttpTransaction['response']
  readonly responseBytes: number
  readonly ruleSet: Buffer
}

export class RecordWriter {
  readonly #options: RecordOptions
  readonly #line = new LineBytes(MAX_RECORD_BYTES - 1)
  /** Addresses before the direction, and the community id after it. */
  readonly #connections = new WeakMap<Connection, readonly [flow: Buffer, community: Buffer]>()
  readonly #contexts = new WeakMap<HopContext, readonly [before: Buffer, ruleSet: Buffer]>()
  /** By the metadata that a rule owns. */
  readonly #rules = new WeakMap<object, RuleBytes>()
  readonly #lists = new WeakMap<readonly string[], Buffer>()
  #where: Where | null = null
  /** Of `#where`: from the time to `alert`, and from the id to the verdict. */
  readonly #before = new LineBytes(MAX_RECORD_BYTES)
  readonly #after = new LineBytes(MAX_RECORD_BYTES)
  readonly #http = new HttpBytes()
  #second = -1
  #secondBytes: Uint8Array = utf8('')

  constructor(options: RecordOptions) {
    this.#options = options
  }

  /**
   * One line of NDJSON without its line end, below MAX_RECORD_BYTES. Valid up to the next call.
   *
   * @param epochMs when it was found
   */
  line(event: AlertEvent, epochMs = this.#options.now()): Buffer {
    const { alert } = event
    if (alert.application === undefined && alert.quoted === undefined) {
      this.#compose(event, epochMs)
      if (!this.#line.isFull) return this.#line.bytes
    }
    return utf8(recordLine(alertRecord(event, { ...this.#options, now: () => epochMs })))
  }

  #compose(event: AlertEvent, epochMs: number): void {
    const { alert, verdict } = event
    const where = this.#whereOf(event)
    const rule = this.#ruleOf(alert)
    const line = this.#line
    line.clear()
    line.add(TIMESTAMP)
    this.#addTime(epochMs)
    line.add(ZONE)
    line.addLine(this.#before)
    line.add(verdict === 'blocked' || verdict === 'dropped' ? ALERT_BLOCKED : ALERT_ALLOWED)
    line.add(rule.before)
    line.addText(cut(alert.message))
    line.add(rule.after)
    line.add(OWN)
    line.addText(this.#options.nextId())
    line.addLine(this.#after)
    line.add(VERDICTS[verdict][alert.decisive ? 1 : 0])
    line.add(where.ruleSet)
    line.add(rule.source)
    if (alert.score !== undefined) {
      line.add(SCORE)
      line.addNumber(alert.score)
    }
    if (alert.logdata !== undefined) {
      line.add(LOGDATA)
      line.addText(cut(alert.logdata))
    }
    line.add(rule.tags)
    this.#addMatches(alert)
    line.add(END_OF_RECORD)
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
    const before = this.#before
    before.clear()
    before.add(EVENT_TYPE)
    before.add(addresses)
    before.add(flow === 'to_server' ? TO_SERVER : TO_CLIENT)
    before.add(community)
    if (transaction !== null) {
      before.add(TX_ID)
      before.addNumber(transaction.index)
      before.add(HTTP)
      this.#http.add(before, transaction)
    }
    const after = this.#after
    after.clear()
    after.add(REQUEST_ID)
    after.addText(transaction?.id ?? connection.id)
    after.add(hop)
    const where = { connection, transaction, context, flow, response, responseBytes, ruleSet }
    this.#where = where
    return where
  }

  #ruleOf(alert: Alert): RuleBytes {
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
      before: utf8(`"gid":${gid},"signature_id":${signatureId},"rev":${rev},"signature":`),
      after: utf8(
        `,"category":${text(category)},"severity":${severity},"metadata":${metadataText(alert)}` +
          (references.length > 0 ? `,"references":${listText(references)}}` : '}'),
      ),
      source: utf8(`,"source":${text(source)}${phase === undefined ? '' : `,"phase":${phase}`}`),
      tags: utf8(tags === undefined ? '' : `,"tags":${listText(tags)}`),
    }
    this.#rules.set(alert.metadata, made)
    return made
  }

  #connection(event: AlertEvent): readonly [flow: Buffer, community: Buffer] {
    const { connection } = event
    let known = this.#connections.get(connection)
    if (known === undefined) {
      known = connectionBytes(alertRecord(event, this.#options))
      this.#connections.set(connection, known)
    }
    return known
  }

  #context(context: HopContext): readonly [before: Buffer, ruleSet: Buffer] {
    let known = this.#contexts.get(context)
    if (known === undefined) {
      const { tenant, network, port, attachment, chain, inspector, mode, ruleSet } = context
      const fields = { tenant, network, port, attachment, chain, inspector, mode }
      known = [
        utf8(`,${JSON.stringify(fields).slice(1, -1)}`),
        utf8(ruleSet === undefined ? '' : `,"rule_set":${JSON.stringify(ruleSet)}`),
      ]
      this.#contexts.set(context, known)
    }
    return known
  }

  #addMatches({ matches }: Alert): void {
    if (matches.length === 0) return
    const line = this.#line
    line.add(MATCHES)
    const count = Math.min(matches.length, MAX_MATCHES)
    for (let at = 0; at < count; at += 1) {
      const { variable, valueLatin1, offset, transformations } = matches[at]
      if (at > 0) line.add(COMMA)
      line.add(MATCH)
      line.addText(cut(variable))
      line.add(VALUE)
      line.addText(cut(valueLatin1))
      line.add(OFFSET)
      line.addNumber(offset)
      line.add(TRANSFORMATIONS)
      line.add(this.#namesOf(transformations))
      line.add(END_OF_OBJECT)
    }
    line.add(END_OF_LIST)
  }

  #namesOf(transformations: readonly string[]): Buffer {
    let names = this.#lists.get(transformations)
    if (names === undefined) {
      names = utf8(JSON.stringify(transformations))
      this.#lists.set(transformations, names)
    }
    return names
  }

  #addTime(epochMs: number): void {
    const rounded = Math.round(epochMs * 1000)
    const whole = Math.floor(rounded / 1000)
    const second = Math.floor(whole / MS_PER_SECOND)
    if (second !== this.#second) {
      this.#second = second
      this.#secondBytes = utf8(eveTimestamp(second * MS_PER_SECOND).slice(0, SECOND_CHARACTERS))
    }
    this.#line.add(this.#secondBytes)
    this.#line.addDigits(whole - second * MS_PER_SECOND, 3)
    this.#line.addDigits(rounded - whole * 1000, 3)
  }
}

const cut = (value: string): string =>
  value.length <= MAX_TEXT_CHARACTERS ? value : value.slice(0, MAX_TEXT_CHARACTERS)

const text = (value: string): string => JSON.stringify(cut(value))

const listText = (texts: readonly string[]): string =>
  JSON.stringify(texts.slice(0, MAX_TAGS).map(cut))

const metadataText = ({ metadata }: Alert): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(metadata).map(([name, values]) => [name, values.map(cut)])),
  )

/** True when two alerts agree in all that `RuleBytes` holds. */
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
function connectionBytes(record: AlertRecord): readonly [flow: Buffer, community: Buffer] {
  const { host, flow_id, src_ip, src_port, dest_ip, dest_port, proto, community_id } = record
  const flow = { host, flow_id, src_ip, src_port, dest_ip, dest_port, proto }
  const community = community_id === undefined ? '' : `,"community_id":"${community_id}"`
  return [utf8(JSON.stringify(flow).slice(1, -1)), utf8(community)]
}
