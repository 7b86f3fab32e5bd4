/**
 * DNS messages (RFC 1035 section 4).
 *
 *     header: id(16) flags(16) qdcount ancount nscount arcount
 *     question: name type(16) class(16)
 *     record: name type(16) class(16) ttl(32) rdlength(16) rdata
 */

/** Records of one message that are read, and bytes of a name. */
export const MAX_RECORDS = 512
export const MAX_QUESTIONS = 2048
export const MAX_NAME_BYTES = 1025
const Z_FLAG = 0x0040
/** Fault of a record that cannot be read, by its section: answers, authorities, additionals. */
const SECTION_FAULTS = ['malformed_data', 'invalid_authorities', 'invalid_additionals']
/** Labels and pointers of one name. */
const MAX_LABELS = 255

export interface DnsQuestion {
  /** Dotted, latin1, no dot at the end. */
  readonly name: string
  readonly type: number
}

export interface DnsRecord {
  readonly name: string
  readonly type: number
  readonly ttl: number
  readonly data: Buffer
  /** Name that the data consists of or ends with; null for other types. */
  readonly target: string | null
}

export interface DnsMessage {
  readonly id: number
  readonly flags: number
  readonly isResponse: boolean
  readonly opcode: number
  readonly rcode: number
  readonly questions: readonly DnsQuestion[]
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  readonly additionals: readonly DnsRecord[]
  /** What is wrong with it: names of `app-layer-event`, without `dns.`. */
  readonly faults: readonly string[]
}

/** @returns null when the bytes are no DNS message; records that are cut off are left out */
export function parseDnsMessage(bytes: Buffer): DnsMessage | null {
  if (bytes.length < 12) return null
  const flags = bytes.readUInt16BE(2)
  const counts = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at))
  const opcode = (flags >> 11) & 15
  if (counts[0] > MAX_QUESTIONS) return null
  const faults = new Set<string>()
  if (opcode > 6) faults.add('invalid_opcode')
  if ((flags & Z_FLAG) !== 0) faults.add('z_flag_set')
  const questions: DnsQuestion[] = []
  let at = 12
  for (let index = 0; index < counts[0]; index += 1) {
    const name = readName(bytes, at, faults)
    if (name === null || name.end + 4 > bytes.length) return null
    questions.push({ name: name.text, type: bytes.readUInt16BE(name.end) })
    at = name.end + 4
  }
  const sections: DnsRecord[][] = [[], [], []]
  let left = MAX_RECORDS
  for (let section = 0; section < 3 && at >= 0; section += 1)
    for (let index = 0; index < counts[section + 1] && left > 0; index += 1, left -= 1) {
      const found = readRecord(bytes, at, faults)
      if (found === null) {
        faults.add(SECTION_FAULTS[section])
        at = -1
        break
      }
      sections[section].push(found.record)
      at = found.end
    }
  const [answers, authorities, additionals] = sections
  return {
    id: bytes.readUInt16BE(0),
    flags,
    isResponse: (flags & 0x8000) !== 0,
    opcode,
    rcode: flags & 15,
    questions,
    answers,
    authorities,
    additionals,
    faults: [...faults],
  }
}

function readRecord(
  bytes: Buffer,
  at: number,
  faults: Set<string>,
): { record: DnsRecord; end: number } | null {
  const name = readName(bytes, at, faults)
  if (name === null || name.end + 10 > bytes.length) return null
  const type = bytes.readUInt16BE(name.end)
  const length = bytes.readUInt16BE(name.end + 8)
  const start = name.end + 10
  if (start + length > bytes.length) return null
  const nameAt =
    type === 2 || type === 5 || type === 12 || type === 6
      ? start
      : type === 15
        ? start + 2
        : type === 33
          ? start + 6
          : -1
  const target = nameAt < 0 ? null : (readName(bytes, nameAt, faults)?.text ?? null)
  return {
    record: {
      name: name.text,
      type,
      ttl: bytes.readUInt32BE(name.end + 4),
      data: bytes.subarray(start, start + length),
      target,
    },
    end: start + length,
  }
}

/** Follows compression pointers; a loop or an overlong name ends it with what was read. */
export function readName(
  bytes: Buffer,
  from: number,
  faults: Set<string> = new Set(),
): { text: string; end: number } | null {
  const labels: string[] = []
  let length = 0
  let at = from
  let end = -1
  let isOver = false
  for (let count = 0; count < MAX_LABELS; count += 1) {
    if (at >= bytes.length) return null
    const size = bytes[at]
    if (size === 0) {
      if (end < 0) end = at + 1
      isOver = true
      break
    }
    if ((size & 0xc0) === 0xc0) {
      if (at + 2 > bytes.length) return null
      if (end < 0) end = at + 2
      at = bytes.readUInt16BE(at) & 0x3fff
      continue
    }
    if ((size & 0xc0) !== 0 || at + 1 + size > bytes.length) return null
    length += size + 1
    // The label in which the bound lies is kept as far as it goes.
    if (length - size - 1 <= MAX_NAME_BYTES)
      labels.push(bytes.toString('latin1', at + 1, at + 1 + size))
    if (length > MAX_NAME_BYTES) faults.add('name_too_long')
    at += 1 + size
  }
  if (!isOver) faults.add(end < 0 ? 'too_many_labels' : 'infinite_loop')
  if (end < 0) return null
  return { text: labels.join('.').slice(0, MAX_NAME_BYTES), end }
}
