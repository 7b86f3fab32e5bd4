import RE2 from 're2'
import type { FtwOutput } from './ftw-test.ts'

/** What a request led to. */
export interface Observed {
  /** Status of the answer; null: the connection ended without one. */
  readonly status: number | null
  /** Head and body, latin1; empty where nothing came. */
  readonly answer: string
  /** Lines that the request put into the error log. */
  readonly logLines: readonly string[]
}

export interface Mismatch {
  readonly expected: string
  readonly got: string
}

const RULE_ID = /\[(?:id |\\?"id\\?":)\\?"(\d+)\\?"\]|"(?:id|ruleId)":\s*"?(\d+)"?/g
const MAX_SHOWN_LINES = 4

/** @returns null when everything that the test expects holds */
export function mismatch(output: FtwOutput, observed: Observed): Mismatch | null {
  const { status, logLines } = observed
  const ids = ruleIds(logLines)
  const got = `status ${status ?? 'none'}, rules ${[...ids].join(' ') || 'none'}`
  // go-ftw looks no further where an error is expected.
  if (output.expectError === true) return status === null ? null : { expected: 'no answer', got }
  if (status === null) return { expected: 'an answer', got }
  if (output.status !== null && output.status !== status) {
    return { expected: `status ${output.status}`, got }
  }
  if (output.responseContains !== null && !matches(output.responseContains, [observed.answer])) {
    return { expected: `an answer like ${output.responseContains}`, got: observed.answer }
  }
  if (output.matchRegex !== null && !matches(output.matchRegex, logLines)) {
    return { expected: `a log line like ${output.matchRegex}`, got: shown(logLines, got) }
  }
  const missing = output.expectIds.filter((id) => !ids.has(id))
  if (missing.length > 0) return { expected: `rules ${missing.join(' ')}`, got }
  if (output.isIsolated && (ids.size !== 1 || output.expectIds.length !== 1)) {
    return { expected: `rule ${output.expectIds.join(' ')} alone`, got }
  }
  if (output.noMatchRegex !== null && matches(output.noMatchRegex, logLines)) {
    return { expected: `no log line like ${output.noMatchRegex}`, got: shown(logLines, got) }
  }
  const unwanted = output.noExpectIds.filter((id) => ids.has(id))
  return unwanted.length > 0 ? { expected: `not rules ${unwanted.join(' ')}`, got } : null
}

function ruleIds(lines: readonly string[]): Set<number> {
  const ids = new Set<number>()
  for (const line of lines) {
    for (const match of line.matchAll(RULE_ID)) ids.add(Number(match[1] ?? match[2]))
  }
  return ids
}

/** go-ftw's expressions are RE2's. */
function matches(pattern: string, texts: readonly string[]): boolean {
  const expression = new RE2(pattern)
  return texts.some((text) => expression.test(text))
}

const shown = (lines: readonly string[], otherwise: string): string =>
  lines.length === 0 ? otherwise : lines.slice(0, MAX_SHOWN_LINES).join('\n')
