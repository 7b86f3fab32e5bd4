import { commaList, integer, keyedList } from '../arguments.ts'
import { quotedValue } from '../content-pattern.ts'
import { numberRange } from '../number-range.ts'
import { compilePcre } from '../pcre-option.ts'
import { RuleFault } from '../problem.ts'
import type { TransformStep } from '../transform.ts'
import { type Keyword, keyword } from './keyword.ts'

/** What `gunzip` and `zlib_deflate` yield at most, and where the rule does not say. */
export const MAX_DECOMPRESSED_BYTES = 16_777_216
export const DEFAULT_DECOMPRESSED_BYTES = 1024
const MAX_OFFSET = 65_535

type PlainKind = Exclude<
  TransformStep['kind'],
  'xor' | 'from_base64' | 'pcrexform' | 'gunzip' | 'zlib_deflate' | 'subslice'
>

const PLAIN: readonly (readonly [PlainKind, string])[] = [
  ['dotprefix', 'Puts a dot before the buffer'],
  ['to_lowercase', 'ASCII letters to lower case'],
  ['to_uppercase', 'ASCII letters to upper case'],
  ['strip_whitespace', 'Takes white space out'],
  ['compress_whitespace', 'Runs of white space to one blank'],
  ['url_decode', 'Decodes %xx and +'],
  ['to_md5', 'MD5 of the buffer, 16 bytes'],
  ['to_sha1', 'SHA-1 of the buffer, 20 bytes'],
  ['to_sha256', 'SHA-256 of the buffer, 32 bytes'],
  ['header_lowercase', 'Names of headers to lower case'],
  ['strip_pseudo_headers', 'Takes lines that begin with a colon out'],
]

/** Steps that change the sticky buffer before it is matched. */
export const TRANSFORM_KEYWORDS: readonly Keyword[] = [
  ...PLAIN.map(([kind, summary]) =>
    keyword(kind, 'transform', summary, { argument: 'none' }, (builder) =>
      builder.addTransform({ kind }),
    ),
  ),
  keyword(
    'xor',
    'transform',
    'XOR with a key',
    { grammar: '"HEX" | [offset N,]extract LENGTH OFFSET' },
    (builder, argument) => builder.addTransform(xor(argument)),
  ),
  ...(['gunzip', 'zlib_deflate'] as const).map((kind) =>
    keyword(
      kind,
      'transform',
      kind === 'gunzip' ? 'Decompresses gzip' : 'Decompresses zlib',
      { argument: 'optional', grammar: '[max-size N]' },
      (builder, argument) => builder.addTransform({ kind, maxBytes: maxSize(kind, argument) }),
    ),
  ),
  keyword(
    'subslice',
    'transform',
    'Part of the buffer',
    { grammar: 'OFFSET[,BYTES][,truncate]' },
    (builder, argument) => builder.addTransform(subslice(argument)),
  ),
  keyword(
    'from_base64',
    'transform',
    'Decodes base64',
    { argument: 'optional', grammar: '[bytes N][,offset N][,mode rfc4648|rfc2045|strict]' },
    (builder, argument) => {
      const parts = argument.trim() === '' ? new Map<string, string>() : keyedList(argument)
      for (const key of parts.keys())
        if (!['bytes', 'offset', 'mode'].includes(key))
          throw new RuleFault('bad-argument', `from_base64 has no option "${key}"`)
      const mode = (parts.get('mode') ?? 'rfc4648').toLowerCase()
      if (mode !== 'rfc4648' && mode !== 'rfc2045' && mode !== 'strict')
        throw new RuleFault('bad-argument', `"${mode}" is not a mode of from_base64`)
      builder.addTransform({
        kind: 'from_base64',
        bytes: integer(parts.get('bytes') ?? '0', 0, 65_535),
        offset: integer(parts.get('offset') ?? '0', 0, 65_535),
        mode,
      })
    },
  ),
  keyword(
    'pcrexform',
    'transform',
    'First group of a pattern',
    { grammar: '"PATTERN"' },
    (builder, argument) => {
      const pattern = compilePcre(quotedValue(argument).inner.replaceAll(/\\([";])/g, '$1'), {})
      builder.addTransform({ kind: 'pcrexform', pattern })
    },
  ),
]

function xor(argument: string): TransformStep {
  if (/^\s*"/.test(argument)) {
    const hex = quotedValue(argument).inner.replaceAll(' ', '')
    if (!/^(?:[0-9a-fA-F]{2}){1,255}$/.test(hex))
      throw new RuleFault('bad-argument', 'xor takes 1 to 255 bytes in hex')
    return { kind: 'xor', key: Buffer.from(hex, 'hex').toString('latin1'), offset: 0 }
  }
  const parts = keyedList(argument)
  const extract = /^(\d{1,3})\s+(\d{1,5})$/.exec(parts.get('extract') ?? '')
  for (const key of parts.keys())
    if (key !== 'offset' && key !== 'extract')
      throw key === 'var'
        ? new RuleFault('unsupported-keyword', 'xor with a key from a variable is not enforced')
        : new RuleFault('bad-argument', `xor has no option "${key}"`)
  if (extract === null)
    throw new RuleFault('bad-argument', 'xor takes "HEX", or extract LENGTH OFFSET')
  return {
    kind: 'xor',
    key: {
      length: integer(extract[1], 1, 255),
      offset: integer(extract[2], 0, MAX_OFFSET),
    },
    offset: integer(parts.get('offset') ?? '0', 0, MAX_OFFSET),
  }
}

function maxSize(name: string, argument: string): number {
  if (argument.trim() === '') return DEFAULT_DECOMPRESSED_BYTES
  const form = /^max-size\s+(\w+)$/.exec(argument.trim())
  if (form === null) throw new RuleFault('bad-argument', `${name} takes max-size N`)
  const { min } = numberRange(form[1], MAX_DECOMPRESSED_BYTES)
  if (min === 0) throw new RuleFault('bad-argument', `${name} of nothing can never match`)
  return min
}

function subslice(argument: string): TransformStep {
  const [offset, ...rest] = commaList(argument)
  const truncate = rest.at(-1) === 'truncate'
  if (truncate) rest.pop()
  if (rest.length > 1) throw new RuleFault('bad-argument', `subslice has no option "${rest[1]}"`)
  return {
    kind: 'subslice',
    offset: integer(offset, -MAX_OFFSET, MAX_OFFSET),
    bytes: rest.length === 0 ? null : integer(rest[0], -MAX_OFFSET, MAX_OFFSET),
    truncate,
  }
}
