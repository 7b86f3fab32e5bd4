import { parsePcreOption } from '../pcre-option.ts'
import { RuleFault } from '../problem.ts'
import { BUFFER_KEYWORDS } from './buffers.ts'
import { BYTE_KEYWORDS } from './bytes.ts'
import { CONTENT_KEYWORDS } from './content.ts'
import { DATASET_KEYWORDS } from './datasets.ts'
import { DCERPC_KEYWORDS } from './dcerpc.ts'
import { FILE_KEYWORDS } from './files.ts'
import { FLOW_KEYWORDS } from './flow.ts'
import { type Keyword, keyword } from './keyword.ts'
import { META_KEYWORDS } from './meta.ts'
import { NUMBER_KEYWORDS } from './numbers.ts'
import { PACKET_KEYWORDS } from './packet.ts'
import { STATE_KEYWORDS } from './state.ts'
import { TLS_KEYWORDS } from './tls.ts'
import { TRANSFORM_KEYWORDS } from './transforms.ts'
import { isUnsupported, unsupportedReason } from './unsupported.ts'

const PCRE = keyword(
  'pcre',
  'match',
  'A regular expression',
  { grammar: '[!]"/PATTERN/MODIFIERS"' },
  (builder, argument) => {
    const { pattern, negated, relative, buffer } = parsePcreOption(argument)
    const match = { kind: 'pcre', pattern, negated, relative } as const
    const open = builder.openBuffer()
    if (buffer === null || open === buffer) builder.add(match, relative)
    else if (open !== null)
      throw new RuleFault('conflict', `the pcre letter for ${buffer} cannot follow a sticky buffer`)
    else builder.addTo(buffer, match)
  },
)

/** Every keyword that is enforced: one table for parser, validation, `signatures check` and docs. */
export const KEYWORDS: readonly Keyword[] = [
  ...META_KEYWORDS,
  ...CONTENT_KEYWORDS,
  PCRE,
  ...BYTE_KEYWORDS,
  ...BUFFER_KEYWORDS,
  ...TRANSFORM_KEYWORDS,
  ...NUMBER_KEYWORDS,
  ...FILE_KEYWORDS,
  ...DCERPC_KEYWORDS,
  ...DATASET_KEYWORDS,
  ...FLOW_KEYWORDS,
  ...STATE_KEYWORDS,
  ...PACKET_KEYWORDS,
  ...TLS_KEYWORDS,
]

const BY_NAME = new Map<string, Keyword>(
  KEYWORDS.flatMap((row) => [row.name, ...row.aliases].map((name) => [name, row])),
)

export function hasKeyword(name: string): boolean {
  return BY_NAME.has(name)
}

/** @throws RuleFault `unsupported-keyword` or `unknown-keyword`, with the nearest name */
export function findKeyword(name: string): Keyword {
  const row = BY_NAME.get(name)
  if (row !== undefined) return row
  if (isUnsupported(name))
    throw new RuleFault('unsupported-keyword', unsupportedReason(name), { keyword: name })
  const near = nearest(name)
  throw new RuleFault('unknown-keyword', `there is no keyword ${name}`, {
    keyword: name,
    ...(near === null ? {} : { suggestion: `did you mean ${near}?` }),
  })
}

function nearest(name: string): string | null {
  let best: string | null = null
  let bestDistance = 3
  for (const candidate of BY_NAME.keys()) {
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue
    const distance = editDistance(name, candidate)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= right.length; j += 1) {
      const replaced = row[j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1))
    }
    row = next
  }
  return row.at(-1)!
}
