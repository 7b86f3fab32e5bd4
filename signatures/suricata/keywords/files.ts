import { commaList } from '../arguments.ts'
import type { RuleBuilder } from '../builder.ts'
import { contentBytes, quotedValue } from '../content-pattern.ts'
import { dataFileName } from '../data-file.ts'
import { numberRange } from '../number-range.ts'
import { RuleFault } from '../problem.ts'
import type { FileCheck, HashAlgorithm } from '../checks.ts'
import { type Keyword, keyword } from './keyword.ts'

const HASHES: readonly (readonly [string, HashAlgorithm])[] = [
  ['filemd5', 'md5'],
  ['filesha1', 'sha1'],
  ['filesha256', 'sha256'],
]

/** Keywords about files that a transaction carries; all of a rule's are asked of one and the same file. */
export const FILE_KEYWORDS: readonly Keyword[] = [
  keyword(
    'filename',
    'match',
    'Text in the name of the file',
    { grammar: '[!]"TEXT"' },
    (builder, argument) => addName(builder, argument, false),
  ),
  keyword(
    'fileext',
    'match',
    'Extension of the name of the file',
    { grammar: '[!]"TEXT"' },
    (builder, argument) => addName(builder, argument, true),
  ),
  keyword(
    'filesize',
    'match',
    'Size of the file',
    { grammar: '[to_server|to_client,]RANGE' },
    (builder, argument) => {
      const comma = argument.indexOf(',')
      const word = comma < 0 ? '' : argument.slice(0, comma).trim()
      const side = comma < 0 ? null : word === 'to_server' ? 'request' : 'response'
      if (comma >= 0 && word !== 'to_server' && word !== 'to_client')
        throw new RuleFault('bad-argument', `filesize has no direction "${word}"`)
      const range = numberRange(argument.slice(comma + 1), Number.MAX_SAFE_INTEGER)
      add(builder, { kind: 'size', range, side })
    },
  ),
  ...HASHES.map(([name, algorithm]) =>
    keyword(
      name,
      'match',
      `${algorithm.toUpperCase()} of the file is in a list`,
      { grammar: '[!]FILE' },
      (builder, argument) => {
        const text = argument.trim()
        const negated = text.startsWith('!')
        const list = dataFileName(negated ? text.slice(1) : text)
        add(builder, { kind: 'hash', algorithm, list, negated, side: null })
      },
    ),
  ),
  keyword(
    'filestore',
    'match',
    'There is a file; it is not written anywhere',
    { argument: 'optional', grammar: '[request|response|both[,file|tx|flow]]' },
    filestore,
  ),
]

function add(builder: RuleBuilder, check: FileCheck): void {
  builder.fileChecks.push(check)
}

function addName(builder: RuleBuilder, argument: string, atEnd: boolean): void {
  const { negated, inner } = quotedValue(argument)
  const text = contentBytes(inner).toLowerCase()
  add(builder, { kind: 'name', text: atEnd ? `.${text}` : text, atEnd, negated, side: null })
}

const STORE_SIDES: ReadonlyMap<string, FileCheck['side']> = new Map([
  ['request', 'request'],
  ['to_server', 'request'],
  ['response', 'response'],
  ['to_client', 'response'],
  ['both', null],
])

function filestore(builder: RuleBuilder, argument: string): void {
  const [side = 'both', scope = 'file', ...rest] = argument.trim() === '' ? [] : commaList(argument)
  const named = STORE_SIDES.get(side)
  if (named === undefined)
    throw new RuleFault('bad-argument', `filestore has no direction "${side}"`)
  if (!['file', 'tx', 'ssn', 'flow'].includes(scope) || rest.length > 0)
    throw new RuleFault('bad-argument', `filestore has no scope "${scope}"`)
  add(builder, { kind: 'store', side: named })
}
