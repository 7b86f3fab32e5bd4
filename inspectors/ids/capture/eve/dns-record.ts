import {
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  MAX_NAME_BYTES,
} from '../../dns/message.ts'

const TYPES: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [10, 'NULL'],
  [12, 'PTR'],
  [13, 'HINFO'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [35, 'NAPTR'],
  [41, 'OPT'],
  [43, 'DS'],
  [44, 'SSHFP'],
  [46, 'RRSIG'],
  [47, 'NSEC'],
  [48, 'DNSKEY'],
  [50, 'NSEC3'],
  [52, 'TLSA'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [99, 'SPF'],
  [249, 'TKEY'],
  [250, 'TSIG'],
  [251, 'IXFR'],
  [252, 'AXFR'],
  [255, 'ANY'],
  [257, 'CAA'],
])

const CODES: readonly string[] = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
]

/** EVE's `dns` object, version 3. */
export function dnsFields(message: DnsMessage, index: number): Record<string, unknown> {
  const { flags, isResponse, questions, answers, authorities, additionals } = message
  return {
    version: 3,
    type: isResponse ? 'response' : 'request',
    tx_id: index,
    id: message.id,
    ...flagFields(flags, isResponse),
    opcode: message.opcode,
    rcode: CODES[message.rcode] ?? String(message.rcode),
    ...(questions.length === 0 ? {} : { queries: questions.map(questionFields) }),
    ...(answers.length === 0
      ? {}
      : { answers: answers.map(recordFields), grouped: groupedAnswers(answers) }),
    ...(authorities.length === 0 ? {} : { authorities: authorities.map(recordFields) }),
    ...(additionals.length === 0 ? {} : { additionals: additionals.map(recordFields) }),
  }
}

/**
 * EVE's `dns` objects, version 2: one for each question, or one for the whole answer.
 *
 * @param index of the transaction in the flow
 */
export function dnsFieldsV2(message: DnsMessage, index: number): Record<string, unknown>[] {
  const { flags, questions, answers, authorities } = message
  if (!message.isResponse)
    return questions.map(({ name, type }) => ({
      type: 'query',
      id: message.id,
      rrname: name,
      rrtype: typeName(type),
      tx_id: index,
      opcode: message.opcode,
    }))
  return [
    {
      version: 2,
      type: 'answer',
      id: message.id,
      ...flagFields(flags, true),
      opcode: message.opcode,
      ...(questions.length === 0
        ? {}
        : { rrname: questions[0].name, rrtype: typeName(questions[0].type) }),
      rcode: CODES[message.rcode] ?? String(message.rcode),
      ...(answers.length === 0
        ? {}
        : { answers: answers.map(recordFields), grouped: groupedAnswers(answers) }),
      ...(authorities.length === 0 ? {} : { authorities: authorities.map(recordFields) }),
    },
  ]
}

/** Whether one of the questions, or answers, is of a type that is to be told. */
export function hasType(message: DnsMessage, types: ReadonlySet<string>): boolean {
  return [...message.questions, ...message.answers].some(({ type }) => types.has(typeName(type)))
}

function flagFields(flags: number, isResponse: boolean): Record<string, unknown> {
  return {
    flags: flags.toString(16),
    ...(isResponse ? { qr: true } : {}),
    ...((flags & 0x0400) === 0 ? {} : { aa: true }),
    ...((flags & 0x0200) === 0 ? {} : { tc: true }),
    ...((flags & 0x0100) === 0 ? {} : { rd: true }),
    ...((flags & 0x0080) === 0 ? {} : { ra: true }),
    ...((flags & 0x0040) === 0 ? {} : { z: true }),
  }
}

function questionFields({ name, type }: DnsQuestion): Record<string, unknown> {
  return {
    rrname: name,
    rrtype: typeName(type),
    ...(name.length >= MAX_NAME_BYTES ? { rrname_truncated: true } : {}),
  }
}

function typeName(type: number): string {
  return TYPES.get(type) ?? String(type)
}

function recordFields(record: DnsRecord): Record<string, unknown> {
  const fields = { rrname: record.name, rrtype: typeName(record.type), ttl: record.ttl }
  if (record.type === 6) return { ...fields, soa: startOfAuthority(record) }
  if (record.type === 33 && record.data.length >= 7)
    return {
      ...fields,
      srv: {
        priority: record.data.readUInt16BE(0),
        weight: record.data.readUInt16BE(2),
        port: record.data.readUInt16BE(4),
        name: record.target ?? '',
      },
    }
  const data = textOf(record)
  return data === null ? fields : { ...fields, rdata: data }
}

/** The numbers stand in the last 20 bytes; names before them may be compressed. */
function startOfAuthority(record: DnsRecord): Record<string, unknown> {
  const { data } = record
  const at = data.length - 20
  if (at < 0) return {}
  return {
    mname: record.target ?? '',
    serial: data.readUInt32BE(at),
    refresh: data.readUInt32BE(at + 4),
    retry: data.readUInt32BE(at + 8),
    expire: data.readUInt32BE(at + 12),
    minimum: data.readUInt32BE(at + 16),
  }
}

function textOf({ type, data, target }: DnsRecord): string | null {
  if (target !== null) return target
  if (type === 1 && data.length === 4) return data.join('.')
  if (type === 28 && data.length === 16)
    return (data.toString('hex').match(/.{4}/g) ?? []).join(':')
  if (type === 16) {
    let text = ''
    for (let at = 0; at < data.length; at += 1 + data[at])
      text += data.toString('latin1', at + 1, at + 1 + data[at])
    return text
  }
  return null
}

function groupedAnswers(answers: readonly DnsRecord[]): Record<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const answer of answers) {
    const text = textOf(answer)
    if (text === null) continue
    const name = typeName(answer.type)
    const list = groups.get(name) ?? []
    list.push(text)
    groups.set(name, list)
  }
  return Object.fromEntries(groups)
}
