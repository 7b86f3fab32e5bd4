/**
 *   numbers := ( RANGE | NAME | 'count' RANGE ) [',' index] [',' [FROM] ':' [TO]]
 *   index   := 'any' | 'all' | 'or_absent' | 'all_or_absent' | 'nb' RANGE | ['oob_or'] N
 *
 * @see Suricata User Guide, Rules, Integer Keywords, Multi-integers
 */
import { commaList, integer } from '../arguments.ts'
import { bufferByName } from '../buffers.ts'
import { numberRange } from '../number-range.ts'
import { RuleFault } from '../problem.ts'
import type { NumberIndex, NumbersMatch } from '../buffer-match.ts'
import { type Keyword, keyword } from './keyword.ts'
import { DNS_OPCODES, DNS_RCODES, DNS_TYPES } from './dns-names.ts'

const MAX_POSITION = 65_535

interface Row {
  readonly name: string
  readonly max: number
  readonly names?: ReadonlyMap<string, number>
}

const ROWS: readonly Row[] = [
  { name: 'dns.opcode', max: 255, names: DNS_OPCODES },
  { name: 'dns.rcode', max: 65_535, names: DNS_RCODES },
  { name: 'dns.rrtype', max: 65_535, names: DNS_TYPES },
  { name: 'tls.cert_chain_len', max: 0xffff_ffff },
  { name: 'vlan.id', max: 4095 },
  { name: 'vlan.layers', max: 255 },
]

/** Keywords that compare numbers of a transaction or packet: the number buffers. */
export const NUMBER_KEYWORDS: readonly Keyword[] = [
  ...ROWS.map(({ name, max, names }) =>
    keyword(
      name,
      'match',
      bufferByName(name)!.summary,
      { grammar: 'RANGE[,any|all|N|nb RANGE|…]' },
      (builder, argument) => builder.addTo(name, numbersMatch(argument, max, names ?? null)),
    ),
  ),
  keyword(
    'tls_cert_expired',
    'match',
    'The certificate of the server is valid no more',
    { argument: 'none' },
    (builder) => builder.addTo('tls_cert_validity', exactly(1)),
  ),
  keyword(
    'tls_cert_valid',
    'match',
    'Now is within the validity of the certificate of the server',
    { argument: 'none' },
    (builder) => builder.addTo('tls_cert_validity', exactly(0)),
  ),
  ...['tls_cert_notbefore', 'tls_cert_notafter'].map((name) =>
    keyword(
      name,
      'match',
      bufferByName(name)!.summary,
      { grammar: '[<|>]DATE | DATE<>DATE' },
      (builder, argument) => builder.addTo(name, dateMatch(argument)),
    ),
  ),
]

/** One number, exactly. */
function exactly(value: number): NumbersMatch {
  return {
    kind: 'numbers',
    range: { min: value, max: value, negated: false },
    count: false,
    index: { kind: 'any', orAbsent: false },
    slice: null,
  }
}

/** @throws RuleFault `bad-argument` */
export function numbersMatch(
  argument: string,
  max: number,
  names: ReadonlyMap<string, number> | null,
): NumbersMatch {
  const [first, ...rest] = commaList(argument)
  const counted = /^count\s+(.*)$/.exec(first)
  let index: NumberIndex | null = null
  let slice: NumbersMatch['slice'] = null
  for (const item of rest) {
    if (item.includes(':') && slice === null) slice = sliceOf(item)
    else if (index === null) index = indexOf(item)
    else throw new RuleFault('bad-argument', `"${item}" is one part too many`)
  }
  return {
    kind: 'numbers',
    range: counted === null ? numberRange(first, max, names) : numberRange(counted[1], 65_535),
    count: counted !== null,
    index: index ?? { kind: 'any', orAbsent: false },
    slice,
  }
}

function indexOf(text: string): NumberIndex {
  switch (text) {
    case 'any':
    case 'or_absent':
      return { kind: 'any', orAbsent: text !== 'any' }
    case 'all':
    case 'all_or_absent':
      return { kind: 'all', orAbsent: text !== 'all' }
    default: {
      const times = /^nb\s*(.+)$/.exec(text)
      if (times !== null) return { kind: 'times', times: numberRange(times[1], MAX_POSITION) }
      const other = /^oob_or\s+(.+)$/.exec(text)
      const position = integer(other === null ? text : other[1], -MAX_POSITION, MAX_POSITION)
      return { kind: 'at', position, orAbsent: other !== null }
    }
  }
}

function sliceOf(text: string): readonly [number, number] {
  const form = /^(-?\d{1,5})?\s*:\s*(-?\d{1,5})?$/.exec(text)
  if (form === null) throw new RuleFault('bad-argument', `"${text}" is not FROM:TO`)
  return [Number(form[1] ?? 0), form[2] === undefined ? Infinity : Number(form[2])]
}

/** Missing parts of a date are the first there are: `2024` is the beginning of that year. */
function dateMatch(argument: string): NumbersMatch {
  const text = argument.trim().replaceAll('"', '')
  const between = /^(.+?)\s*<>\s*(.+)$/.exec(text)
  let range: NumbersMatch['range']
  if (between === null) {
    const sign = /^([<>])?\s*(.*)$/s.exec(text)!
    const at = seconds(sign[2])
    range =
      sign[1] === '<'
        ? { min: -Infinity, max: at - 1, negated: false }
        : sign[1] === '>'
          ? { min: at + 1, max: Infinity, negated: false }
          : { min: at, max: at, negated: false }
  } else range = { min: seconds(between[1]) + 1, max: seconds(between[2]) - 1, negated: false }
  return {
    kind: 'numbers',
    range,
    count: false,
    index: { kind: 'any', orAbsent: false },
    slice: null,
  }
}

const DATE = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[ T](\d\d)(?::(\d\d)(?::(\d\d))?)?)?)?)?$/

function seconds(text: string): number {
  const form = DATE.exec(text.trim())
  if (form === null) throw new RuleFault('bad-argument', `"${text}" is not a date`)
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = form
    .slice(1)
    .map((part) => (part === undefined ? undefined : Number(part)))
  return Date.UTC(year!, month - 1, day, hour, minute, second) / 1000
}
