import type { Dataset } from '../state/dataset.ts'
import { fitted } from '#signatures/suricata/rule-pool.ts'
import type { CompiledPattern } from '#signatures/pcre/pattern.ts'
import type {
  BufferMatch,
  BufferSize,
  ByteExtract,
  ByteJump,
  ByteMath,
  ByteTest,
  ContentMatch,
  Entropy,
  IsDataAt,
  Operand,
  Base64Decode,
  DatasetMatch,
} from '#signatures/suricata/buffer-match.ts'

/** A `content` made ready. `at` and `end` hold the last match, for alerts and relative successors. */
export interface ContentStep {
  readonly kind: 'content'
  /** In lower case when `nocase`. */
  readonly needle: string
  /** The pattern as written. */
  readonly pattern: string
  readonly nocase: boolean
  /** `nocase` with bytes above 0x7f, which must be equal and not only equal when folded. */
  readonly exactHigh: boolean
  readonly negated: boolean
  readonly endsWith: boolean
  readonly relative: boolean
  /** A later step begins where this one ended: on its failure the next occurrence is tried. */
  retry: boolean
  readonly offset: Operand
  /** -1: to the end of the buffer. */
  readonly depth: Operand
  readonly distance: Operand
  /** -1: to the end of the buffer. */
  readonly within: Operand
  at: number
  end: number
  /** Null: the step was never searched for in a long text from a place that another step found. */
  search: ContentSearch | null
}

/** What a search came to: between `from` and `next` the content does not begin. */
export interface ContentSearch {
  /** Matching of a section that it was made in; it says nothing in others. */
  pass: number
  from: number
  /** Its next occurrence; -1: there is none. */
  next: number
}

export interface PcreStep {
  readonly kind: 'pcre'
  readonly pattern: CompiledPattern
  readonly negated: boolean
  readonly relative: boolean
  retry: boolean
  at: number
  end: number
}

/** Steps that are evaluated as parsed. */
export type PlainStep =
  | (ByteTest & { retry?: boolean })
  | (ByteJump & { retry?: boolean })
  | (ByteExtract & { retry?: boolean })
  | (ByteMath & { retry?: boolean })
  | (IsDataAt & { retry?: boolean })
  | (BufferSize & { retry?: boolean })
  | (Entropy & { retry?: boolean })

export interface Base64Step {
  readonly kind: 'base64'
  readonly decode: Base64Decode
  readonly relative: boolean
  readonly steps: readonly Step[]
}

/** A dataset match with its set. */
export interface DatasetStep {
  readonly kind: 'dataset'
  readonly match: DatasetMatch
  readonly set: Dataset
  retry?: boolean
}

export type Step = DatasetStep | ContentStep | PcreStep | PlainStep | Base64Step

/** Steps of a section; `absent` and comparisons of number buffers are none, the section carries them. */
export function compileSteps(
  matches: readonly BufferMatch[],
  setOf: (match: DatasetMatch) => Dataset,
): readonly Step[] {
  const steps: Step[] = []
  for (const match of matches) {
    const step = compileStep(match, setOf)
    if (step === null) continue
    if (isRelative(step)) markRetry(steps)
    steps.push(step)
  }
  return fitted(steps)
}

/**
 * True when the steps can be decided only at the end of a buffer that arrives in pieces: something must
 * be absent, or stand at the end.
 */
export function needEnd(steps: readonly Step[]): boolean {
  return steps.some((step) => {
    switch (step.kind) {
      case 'content':
        return step.negated || step.endsWith
      case 'pcre':
        return step.negated || /\$|\\[zZ]|\(\?<?!/.test(step.pattern.source)
      case 'isdataat':
        return step.negated
      case 'bsize':
      case 'dataset':
        return true
      case 'entropy':
        return step.bytes === 0
      case 'base64':
        return step.decode.bytes === 0 || needEnd(step.steps)
      case 'byte_jump':
        return step.from === 'end'
      case 'byte_test':
      case 'byte_extract':
      case 'byte_math':
        return false
    }
  })
}

function compileStep(match: BufferMatch, setOf: (match: DatasetMatch) => Dataset): Step | null {
  switch (match.kind) {
    case 'content':
      return compileContent(match)
    case 'pcre':
      return {
        kind: 'pcre',
        pattern: match.pattern,
        negated: match.negated,
        relative: match.relative,
        retry: false,
        at: -1,
        end: -1,
      }
    case 'base64_decode':
      return {
        kind: 'base64',
        decode: match,
        relative: match.relative,
        steps: compileSteps(match.matches, setOf),
      }
    case 'absent':
    case 'numbers':
      return null
    case 'dataset':
    case 'datarep':
      return { kind: 'dataset', match, set: setOf(match) }
    case 'byte_test':
    case 'byte_jump':
    case 'byte_extract':
    case 'byte_math':
    case 'isdataat':
    case 'bsize':
    case 'entropy':
      return { ...match }
  }
}

function compileContent(match: ContentMatch): ContentStep {
  const relative = match.distance !== null || match.within !== null
  return {
    kind: 'content',
    needle: match.nocase ? match.pattern.toLowerCase() : match.pattern,
    pattern: match.pattern,
    nocase: match.nocase,
    exactHigh: match.nocase && hasHighBytes(match.pattern),
    negated: match.negated,
    endsWith: match.endsWith,
    relative,
    retry: false,
    offset: match.offset ?? 0,
    depth: match.startsWith ? match.pattern.length : (match.depth ?? -1),
    distance: match.distance ?? 0,
    within: match.within ?? -1,
    at: -1,
    end: -1,
    search: null,
  }
}

function isRelative(step: Step): boolean {
  switch (step.kind) {
    case 'content':
    case 'pcre':
    case 'isdataat':
    case 'base64':
      return step.relative
    case 'byte_test':
    case 'byte_jump':
    case 'byte_extract':
    case 'byte_math':
      return step.source.relative
    case 'bsize':
    case 'entropy':
    case 'dataset':
      return false
  }
}

/** The step whose end a relative successor starts from. */
function markRetry(steps: readonly Step[]): void {
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const step = steps[index]
    if ((step.kind === 'content' || step.kind === 'pcre') && !step.negated) {
      step.retry = true
      return
    }
    if (step.kind === 'byte_jump') return
  }
}

function hasHighBytes(text: string): boolean {
  for (let index = 0; index < text.length; index += 1)
    if (text.charCodeAt(index) > 0x7f) return true
  return false
}
