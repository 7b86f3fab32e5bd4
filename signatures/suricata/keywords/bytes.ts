import { commaList, integer, keyedList, operand, variable } from '../arguments.ts'
import { numberRange } from '../number-range.ts'
import type { RuleBuilder } from '../builder.ts'
import { RuleFault } from '../problem.ts'
import type { ByteMath, Comparison, Entropy, NumberBase, NumberSource } from '../buffer-match.ts'
import { MAX_DISTANCE } from './content.ts'
import { type Keyword, keyword } from './keyword.ts'

const MAX_VALUE = 0xffff_ffff
const MAX_OFFSET = 0x7fff_ffff
const MAX_TEXT_DIGITS = 23

/** Keywords that read numbers from the buffer, or ask about its size. */
export const BYTE_KEYWORDS: readonly Keyword[] = [
  keyword(
    'byte_test',
    'match',
    'Compares a number in the buffer',
    { grammar: 'BYTES,[!]OP,VALUE,OFFSET[,relative][,ENDIAN][,string,BASE][,dce][,bitmask N]' },
    byteTest,
  ),
  keyword(
    'byte_jump',
    'match',
    'Moves by a number in the buffer',
    {
      grammar:
        'BYTES,OFFSET[,relative][,multiplier N][,ENDIAN][,string,BASE][,align][,from_beginning|from_end][,post_offset N][,dce][,bitmask N]',
    },
    byteJump,
  ),
  keyword(
    'byte_extract',
    'match',
    'Keeps a number of the buffer',
    {
      grammar:
        'BYTES,OFFSET,NAME[,relative][,multiplier N][,ENDIAN][,string,BASE][,align 2|4][,dce][,bitmask N]',
    },
    byteExtract,
  ),
  keyword(
    'byte_math',
    'match',
    'Computes with a number of the buffer',
    {
      grammar:
        'bytes N, offset N, oper + - * / << >>, rvalue N, result NAME[,relative][,endian E][,string BASE][,dce][,bitmask N]',
    },
    byteMath,
  ),
  keyword(
    'isdataat',
    'match',
    'There is data at a position',
    { grammar: '[!]N[,relative]' },
    (builder, argument) => {
      const items = commaList(argument)
      const negated = items[0].startsWith('!')
      const position = operand(negated ? items[0].slice(1) : items[0], 0, 65_535)
      builder.checkOperand(position)
      let relative = false
      for (const item of items.slice(1)) {
        if (item === 'relative') relative = true
        else if (item !== 'rawbytes') throw unknownPart('isdataat', item)
      }
      builder.add({ kind: 'isdataat', position, relative, negated }, relative)
    },
  ),
  keyword(
    'bsize',
    'match',
    'Size of the buffer',
    { grammar: 'N | <N | >N | A<>B' },
    (builder, argument) => {
      if (!builder.hasOpenBuffer())
        throw new RuleFault('misplaced-modifier', 'bsize needs a sticky buffer before it')
      builder.add({ kind: 'bsize', ...numberRange(argument, MAX_VALUE) }, false)
    },
  ),
  keyword(
    'urilen',
    'match',
    'Length of the URI',
    { grammar: 'N | <N | >N | A<>B [,norm|,raw]' },
    (builder, argument) => {
      const items = commaList(argument)
      const form = items[1] ?? 'norm'
      if (items.length > 2 || (form !== 'norm' && form !== 'raw')) throw unknownPart('urilen', form)
      const buffer = form === 'raw' ? 'http.uri.raw' : 'http.uri'
      builder.addTo(buffer, { kind: 'bsize', ...numberRange(items[0], 65_535) })
    },
  ),
  keyword(
    'base64_decode',
    'match',
    'Decodes what base64_data matches',
    { argument: 'optional', grammar: '[bytes N][,offset N][,relative]' },
    base64Decode,
  ),
  keyword('base64_data', 'buffer', 'What base64_decode yielded', { argument: 'none' }, (builder) =>
    builder.useDecoded(),
  ),
  keyword(
    'entropy',
    'match',
    'Shannon entropy of the buffer',
    { grammar: '[bytes N,][offset N,]value [OP]X' },
    entropy,
  ),
  keyword(
    'absent',
    'match',
    'The buffer does not exist',
    { argument: 'optional', grammar: '[or_else]' },
    (builder, argument) => {
      const orElse = argument.trim() === 'or_else'
      if (!orElse && argument.trim() !== '') throw unknownPart('absent', argument.trim())
      if (!builder.hasOpenBuffer())
        throw new RuleFault('misplaced-modifier', 'absent needs a sticky buffer before it')
      builder.add({ kind: 'absent', orElse }, false)
    },
  ),
]

interface Options {
  relative: boolean
  endian: NumberSource['endian']
  base: NumberBase | null
  bitmask: number | null
  multiplier: number
  align: string | null
  from: 'here' | 'beginning' | 'end'
  postOffset: string
}

/** The options after the positional arguments, shared by the byte keywords. */
function readOptions(name: string, items: readonly string[], allowed: string): Options {
  const options: Options = {
    relative: false,
    endian: 'big',
    base: null,
    bitmask: null,
    multiplier: 1,
    align: null,
    from: 'here',
    postOffset: '0',
  }
  let text = false
  for (const item of items) {
    const [word = '', value = ''] = item.split(/\s+/, 2)
    if (
      ['multiplier', 'align', 'from_beginning', 'from_end', 'post_offset'].includes(word) &&
      !allowed.includes(word)
    )
      throw unknownPart(name, item)
    switch (word) {
      case 'relative':
        options.relative = true
        break
      case 'big':
      case 'little':
      case 'dce':
        options.endian = word
        break
      case 'string':
        text = true
        if (value !== '') options.base = numberBase(value)
        break
      case 'hex':
      case 'dec':
      case 'oct':
        options.base = word
        break
      case 'bitmask':
        options.bitmask = integer(value, 1, MAX_VALUE)
        break
      case 'multiplier':
        options.multiplier = integer(value, 1, 65_535)
        break
      case 'align':
        options.align = value === '' ? '4' : value
        break
      case 'from_beginning':
        options.from = 'beginning'
        break
      case 'from_end':
        options.from = 'end'
        break
      case 'post_offset':
        options.postOffset = value
        break
      default:
        throw unknownPart(name, item)
    }
  }
  if (options.base !== null && !text)
    throw new RuleFault('bad-argument', `${options.base} needs the word string before it`)
  if (text) options.base ??= 'auto'
  return options
}

function numberBase(text: string): NumberBase {
  if (text === 'hex' || text === 'dec' || text === 'oct') return text
  throw new RuleFault('bad-argument', `"${text}" is not hex, dec or oct`)
}

function source(
  builder: RuleBuilder,
  bytes: string,
  offset: string,
  options: Options,
): NumberSource {
  const max = options.base === null ? 8 : MAX_TEXT_DIGITS
  const result: NumberSource = {
    bytes: operand(bytes, 0, max),
    offset: operand(offset, -MAX_OFFSET, MAX_OFFSET),
    relative: options.relative,
    endian: options.endian,
    base: options.base,
    bitmask: options.bitmask,
  }
  builder.checkOperand(result.bytes)
  builder.checkOperand(result.offset)
  return result
}

function byteTest(builder: RuleBuilder, argument: string): void {
  const items = commaList(argument)
  if (items.length < 4) throw new RuleFault('bad-argument', 'byte_test takes BYTES,OP,VALUE,OFFSET')
  const operator = /^(!?)\s*(<=|>=|<|>|=|&|\^)?$/.exec(items[1])
  if (operator === null || (operator[1] === '' && operator[2] === undefined))
    throw new RuleFault('bad-argument', `"${items[1]}" is not an operator of byte_test`)
  const value = operand(items[2], 0, Number.MAX_SAFE_INTEGER)
  builder.checkOperand(value)
  const options = readOptions('byte_test', items.slice(4), '')
  builder.add(
    {
      kind: 'byte_test',
      source: source(builder, items[0], items[3], options),
      negated: operator[1] === '!',
      comparison: (operator[2] ?? '=') as Comparison,
      value,
    },
    options.relative,
  )
}

function byteJump(builder: RuleBuilder, argument: string): void {
  const items = commaList(argument)
  if (items.length < 2) throw new RuleFault('bad-argument', 'byte_jump takes BYTES,OFFSET')
  const options = readOptions(
    'byte_jump',
    items.slice(2),
    'multiplier align from_beginning from_end post_offset',
  )
  const postOffset = operand(options.postOffset, -MAX_OFFSET, MAX_OFFSET)
  builder.checkOperand(postOffset)
  builder.add(
    {
      kind: 'byte_jump',
      source: source(builder, items[0], items[1], options),
      multiplier: options.multiplier,
      align: options.align !== null,
      from: options.from,
      postOffset,
    },
    options.relative,
  )
}

function byteExtract(builder: RuleBuilder, argument: string): void {
  const items = commaList(argument)
  if (items.length < 3) throw new RuleFault('bad-argument', 'byte_extract takes BYTES,OFFSET,NAME')
  const options = readOptions('byte_extract', items.slice(3), 'multiplier align')
  const align = options.align === null ? 0 : Number(options.align)
  if (align !== 0 && align !== 2 && align !== 4)
    throw new RuleFault('bad-argument', 'byte_extract aligns to 2 or 4')
  const name = variable(items[2])
  const read = source(builder, items[0], items[1], options)
  builder.add(
    { kind: 'byte_extract', source: read, multiplier: options.multiplier, align, variable: name },
    options.relative,
  )
  builder.defineVariable(name)
}

const MATH_OPERATORS = new Set(['+', '-', '*', '/', '<<', '>>'])

function byteMath(builder: RuleBuilder, argument: string): void {
  const parts = keyedList(argument)
  for (const key of parts.keys())
    if (
      ![
        'bytes',
        'offset',
        'oper',
        'rvalue',
        'result',
        'relative',
        'endian',
        'string',
        'dce',
        'bitmask',
      ].includes(key)
    )
      throw unknownPart('byte_math', key)
  const part = (key: string): string => {
    const value = parts.get(key)
    if (value === undefined) throw new RuleFault('bad-argument', `byte_math needs ${key}`)
    return value
  }
  const operator = part('oper')
  if (!MATH_OPERATORS.has(operator))
    throw new RuleFault('bad-argument', `"${operator}" is not an operator of byte_math`)
  const rest = ['relative', 'dce'].filter((key) => parts.has(key))
  if (parts.has('endian')) rest.push(part('endian'))
  if (parts.has('string')) rest.push(`string ${part('string')}`)
  if (parts.has('bitmask')) rest.push(`bitmask ${part('bitmask')}`)
  const options = readOptions('byte_math', rest, '')
  const value = operand(part('rvalue'), 0, MAX_VALUE)
  if (value === 0 && operator === '/') throw new RuleFault('bad-argument', 'division by 0')
  builder.checkOperand(value)
  const name = variable(part('result'))
  builder.add(
    {
      kind: 'byte_math',
      source: source(builder, part('bytes'), part('offset'), options),
      operator: operator as ByteMath['operator'],
      operand: value,
      variable: name,
    },
    options.relative,
  )
  builder.defineVariable(name)
}

function base64Decode(builder: RuleBuilder, argument: string): void {
  let bytes = 0
  let offset = 0
  let relative = false
  for (const item of argument.trim() === '' ? [] : commaList(argument)) {
    const [word = '', value = ''] = item.split(/\s+/, 2)
    if (word === 'relative') relative = true
    else if (word === 'bytes') bytes = integer(value, 1, 65_535)
    else if (word === 'offset') offset = integer(value, 0, MAX_DISTANCE)
    else throw unknownPart('base64_decode', item)
  }
  builder.add({ kind: 'base64_decode', bytes, offset, relative, matches: [] }, relative)
}

const ENTROPY_VALUE = /^(<=|>=|!=|<|>|=)?\s*(\d(?:\.\d{1,15})?)$/

function entropy(builder: RuleBuilder, argument: string): void {
  const parts = keyedList(argument.replaceAll(/\bvalue\s*([<>=!]+)\s*/g, 'value $1'))
  for (const key of parts.keys())
    if (!['bytes', 'offset', 'value'].includes(key)) throw unknownPart('entropy', key)
  const form = ENTROPY_VALUE.exec(parts.get('value') ?? '')
  if (form === null || Number(form[2]) > 8)
    throw new RuleFault('bad-argument', 'entropy needs a value from 0 to 8')
  builder.add(
    {
      kind: 'entropy',
      bytes: integer(parts.get('bytes') ?? '0', 0, MAX_DISTANCE),
      offset: integer(parts.get('offset') ?? '0', 0, MAX_DISTANCE),
      comparison: (form[1] ?? '=') as Entropy['comparison'],
      value: Number(form[2]),
    },
    false,
  )
}

function unknownPart(name: string, part: string): RuleFault {
  return new RuleFault('bad-argument', `${name} has no option "${part}"`)
}
