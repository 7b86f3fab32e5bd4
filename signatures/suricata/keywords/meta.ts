import { integer } from '../arguments.ts'
import { RuleFault } from '../problem.ts'
import { quotedValue } from '../content-pattern.ts'
import { type Keyword, keyword } from './keyword.ts'

/** Longest message, in characters; most references and metadata values of one rule. */
export const MAX_MESSAGE = 1024
export const MAX_REFERENCES = 256
export const MAX_METADATA = 512

const MAX_ID = 0xffff_ffff

/** Keywords that describe the rule and match nothing. */
export const META_KEYWORDS: readonly Keyword[] = [
  keyword(
    'msg',
    'meta',
    'Text of the alert',
    { grammar: '"TEXT"', repeatable: false },
    (builder, argument) => {
      const { inner, negated } = quotedValue(argument)
      if (negated) throw new RuleFault('bad-argument', 'msg cannot be negated')
      if (inner.length > MAX_MESSAGE)
        throw new RuleFault('limit', `the message is longer than ${MAX_MESSAGE} characters`)
      builder.meta.message = inner.replaceAll(/\\(["\\;:])/g, '$1')
    },
  ),
  keyword(
    'sid',
    'meta',
    'Number of the rule',
    { grammar: 'N', repeatable: false },
    (builder, argument) => {
      builder.meta.sid = integer(argument, 1, MAX_ID)
    },
  ),
  keyword(
    'rev',
    'meta',
    'Revision of the rule',
    { grammar: 'N', repeatable: false },
    (builder, argument) => {
      builder.meta.rev = integer(argument, 0, MAX_ID)
    },
  ),
  keyword(
    'gid',
    'meta',
    'Group the number belongs to',
    { grammar: 'N', repeatable: false },
    (builder, argument) => {
      builder.meta.gid = integer(argument, 0, MAX_ID)
    },
  ),
  keyword(
    'classtype',
    'meta',
    'Class: category and urgency',
    { grammar: 'NAME' },
    (builder, argument) => {
      const name = argument.trim().toLowerCase()
      if (!/^[a-z][\w-]*$/.test(name))
        throw new RuleFault('bad-argument', `"${argument}" is not the name of a class`)
      builder.meta.classtype ??= name
    },
  ),
  keyword(
    'priority',
    'meta',
    'Urgency, 1 is the highest',
    { grammar: '1..255', repeatable: false },
    (builder, argument) => {
      builder.meta.priority = integer(argument, 1, 255)
    },
  ),
  keyword(
    'reference',
    'meta',
    'Where to read more',
    { grammar: 'TYPE,ID' },
    (builder, argument) => {
      const comma = argument.indexOf(',')
      if (comma <= 0) throw new RuleFault('bad-argument', 'a reference is TYPE,ID')
      if (builder.meta.references.length >= MAX_REFERENCES)
        throw new RuleFault('limit', `more than ${MAX_REFERENCES} references`)
      const type = argument.slice(0, comma).trim().toLowerCase()
      builder.meta.references.push(`${type},${argument.slice(comma + 1).trim()}`)
    },
  ),
  keyword(
    'metadata',
    'meta',
    'Names and values carried into the alert',
    { grammar: 'KEY VALUE, …' },
    (builder, argument) => {
      for (const item of argument.split(',')) addMetadata(builder.meta.metadata, item.trim())
    },
  ),
  keyword(
    'target',
    'meta',
    'Which side is attacked',
    { grammar: 'src_ip|dest_ip', repeatable: false },
    (builder, argument) => {
      const side = argument.trim()
      if (side !== 'src_ip' && side !== 'dest_ip')
        throw new RuleFault('bad-argument', 'target is src_ip or dest_ip')
      builder.meta.target = side
    },
  ),
  keyword('noalert', 'meta', 'A match shows no alert', { argument: 'none' }, (builder) => {
    builder.meta.noAlert = true
  }),
  keyword('alert', 'meta', 'A match shows an alert', { argument: 'none' }, (builder) => {
    builder.meta.alerts = true
  }),
  keyword(
    'requires',
    'meta',
    'What the rule needs; without it the rule is skipped',
    { grammar: 'version OP X.Y.Z[ OP X.Y.Z][|…], feature NAME, keyword NAME' },
    // A rule whose needs are unmet is not read this far.
    () => {},
  ),
]

function addMetadata(metadata: Map<string, string[]>, item: string): void {
  if (item === '') return
  const space = item.indexOf(' ')
  // A lone word is legal and carries nothing an alert could show.
  if (space < 0) return
  const key = item.slice(0, space)
  const value = item.slice(space + 1).trim()
  const values = metadata.get(key)
  if (values !== undefined) {
    if (values.length < MAX_METADATA && !values.includes(value)) values.push(value)
  } else if (metadata.size < MAX_METADATA) metadata.set(key, [value])
}
