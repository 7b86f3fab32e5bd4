import { commaList } from '../arguments.ts'
import type { RuleBuilder } from '../builder.ts'
import type { Comparison, ContentMatch, NumberRange } from '../buffer-match.ts'
import { numberRange } from '../number-range.ts'
import { RuleFault } from '../problem.ts'
import { type Keyword, keyword } from './keyword.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const VERSION = /^([<>!=])\s*(\d{1,5})$/

/** Keywords about DCE/RPC calls that are not sticky buffers. */
export const DCERPC_KEYWORDS: readonly Keyword[] = [
  keyword(
    'dcerpc.iface',
    'match',
    'Interface that the call is for',
    { aliases: ['dce_iface'], grammar: 'UUID[,<|>|!|=VERSION][,any_frag]' },
    iface,
  ),
  keyword(
    'dcerpc.opnum',
    'match',
    'Number of the operation that is called',
    { aliases: ['dce_opnum'], grammar: 'N|A-B, … | RANGE' },
    opnum,
  ),
]

/** The interface is a buffer of 18 bytes: its UUID as written, and its version. */
function iface(builder: RuleBuilder, argument: string): void {
  const [uuid = '', ...rest] = commaList(argument)
  if (!UUID.test(uuid)) throw new RuleFault('bad-argument', `"${uuid}" is not a UUID`)
  const content: ContentMatch = {
    kind: 'content',
    pattern: Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('latin1'),
    negated: false,
    nocase: false,
    startsWith: true,
    endsWith: false,
    offset: null,
    depth: null,
    distance: null,
    within: null,
    fastPattern: false,
    fastPatternChop: null,
  }
  builder.addTo('dcerpc.iface', content)
  for (const item of rest) {
    // Fragments are put together before rules are asked.
    if (item === 'any_frag') continue
    const form = VERSION.exec(item)
    if (form === null) throw new RuleFault('bad-argument', `dcerpc.iface has no option "${item}"`)
    builder.addTo('dcerpc.iface', {
      kind: 'byte_test',
      source: {
        bytes: 2,
        offset: 16,
        relative: false,
        endian: 'big',
        base: null,
        bitmask: null,
      },
      negated: form[1] === '!',
      comparison: (form[1] === '!' ? '=' : form[1]) as Comparison,
      value: Number(form[2]),
    })
  }
}

/** Of a list each part will do; its ranges have both ends in. */
function opnum(builder: RuleBuilder, argument: string): void {
  const ranges = commaList(argument).map((item): NumberRange => {
    const between = /^(\d{1,5})-(\d{1,5})$/.exec(item)
    if (between === null) return numberRange(item, 65_535)
    const [min, max] = [Number(between[1]), Number(between[2])]
    if (min > max || max > 65_535)
      throw new RuleFault('bad-argument', `"${item}" is not a range of operations`)
    return { min, max, negated: false }
  })
  builder.addTo('dcerpc.opnum', {
    kind: 'numbers',
    range: ranges[0],
    others: ranges.slice(1),
    count: false,
    index: { kind: 'any', orAbsent: false },
    slice: null,
  })
}
