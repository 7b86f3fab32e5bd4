import { keyedList, integer } from '../arguments.ts'
import { quotedValue } from '../content-pattern.ts'
import { compilePcre } from '../pcre-option.ts'
import { RuleFault } from '../problem.ts'
import type { TransformStep } from '../transform.ts'
import { type Keyword, keyword } from './keyword.ts'

const PLAIN: readonly (readonly [
  Exclude<TransformStep['kind'], 'xor' | 'from_base64' | 'pcrexform'>,
  string,
])[] = [
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
  keyword('xor', 'transform', 'XOR with a key', { grammar: '"HEX"' }, (builder, argument) => {
    const hex = quotedValue(argument).inner.replaceAll(' ', '')
    if (!/^(?:[0-9a-fA-F]{2}){1,255}$/.test(hex))
      throw new RuleFault('bad-argument', 'xor takes 1 to 255 bytes in hex')
    builder.addTransform({ kind: 'xor', key: Buffer.from(hex, 'hex').toString('latin1') })
  }),
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
