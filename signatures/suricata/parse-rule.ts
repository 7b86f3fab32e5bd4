/**
 *   options := ( key ';' | key ':' value ';' )* ')'
 *
 * A value ends at the first ';' that no backslash precedes; quotes do not protect it.
 */
import { RuleBuilder } from './builder.ts'
import type { Classification } from './classification.ts'
import { finishRule } from './finish.ts'
import { type RuleHeader, parseHeader } from './header.ts'
import { findKeyword } from './keywords/registry.ts'
import type { Keyword } from './keywords/keyword.ts'
import { type LogicalLine, MAX_RULE_CHARACTERS, positionOf } from './logical-lines.ts'
import { RuleFault, type RuleProblem } from './problem.ts'
import { unmetRequirement } from './requires.ts'
import type { Rule } from './rule.ts'
import type { RulePool } from './rule-pool.ts'

/** Most options of one rule. */
export const MAX_OPTIONS = 1024

export type RuleResult =
  | { readonly ok: true; readonly rule: Rule }
  | { readonly ok: false; readonly problem: RuleProblem }
  /** It requires what is not there, and asks to be passed over then. */
  | { readonly ok: 'skipped'; readonly requirement: string }

/**
 * Parses one logical line. Never throws for anything the text contains.
 *
 * @param pool of the rules that it stands among
 */
export function parseRule(
  line: LogicalLine,
  file: string,
  classifications: ReadonlyMap<string, Classification>,
  pool: RulePool,
): RuleResult {
  const state = { at: 0, builder: null as RuleBuilder | null, keyword: '' }
  try {
    if (line.text.length > MAX_RULE_CHARACTERS)
      throw new RuleFault('limit', `the rule is longer than ${MAX_RULE_CHARACTERS} characters`)
    const requirement = requirementOf(line.text)
    if (requirement !== null) return { ok: 'skipped', requirement }
    const header = parseHeader(line.text)
    state.builder = new RuleBuilder({ protocol: header.protocol, classifications })
    readOptions(line.text, header, state.builder, state)
    state.at = 0
    const place = { file, line: line.segments[0].line, enabled: !line.disabled }
    return { ok: true, rule: finishRule(header, state.builder, place, pool) }
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error
    const position = positionOf(line, error.at < 0 ? state.at : error.at)
    const sid = state.builder?.meta.sid || sidOf(line.text)
    const keyword = error.keyword ?? (state.keyword === '' ? undefined : state.keyword)
    return {
      ok: false,
      problem: {
        file,
        line: position.line,
        column: position.column,
        code: error.code,
        message: error.message,
        ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }),
        ...(sid === 0 ? {} : { sid }),
        ...(keyword === undefined ? {} : { keyword }),
      },
    }
  }
}

function readOptions(
  text: string,
  header: RuleHeader,
  builder: RuleBuilder,
  state: { at: number; keyword: string },
): void {
  let at = header.end
  for (let count = 0; ; count += 1) {
    while (at < text.length && (text.charCodeAt(at) <= 0x20 || text[at] === ';')) at += 1
    state.at = at
    if (text[at] === ')') break
    if (at >= text.length)
      throw new RuleFault('syntax', 'the options have no closing )', { at: text.length - 1 })
    if (count >= MAX_OPTIONS) throw new RuleFault('limit', `more than ${MAX_OPTIONS} options`)
    const end = optionEnd(text, at)
    if (end < 0) throw new RuleFault('syntax', 'an option has no closing ;')
    const colon = text.indexOf(':', at)
    const hasValue = colon >= 0 && colon < end
    const key = text.slice(at, hasValue ? colon : end).trim()
    state.keyword = key
    const row = findKeyword(key)
    const value = hasValue ? text.slice(colon + 1, end).trim() : ''
    checkShape(row, key, hasValue && value !== '', builder)
    if (hasValue) state.at = colon + 1 + leadingBlanks(text, colon + 1)
    row.apply(builder, value)
    state.keyword = ''
    at = end + 1
  }
  if (
    text.slice(at + 1).trim() !== '' &&
    !text
      .slice(at + 1)
      .trim()
      .startsWith('#')
  )
    throw new RuleFault('syntax', 'there is text after the closing )', { at: at + 1 })
}

/** What the rule requires and is not there; null: nothing. Read first: the rest may be in a later language. */
function requirementOf(text: string): string | null {
  if (!text.includes('requires')) return null
  for (let at = text.indexOf('(') + 1; at > 0 && at < text.length;) {
    const end = optionEnd(text, at)
    if (end < 0) break
    const form = /^\s*requires\s*:(.*)$/s.exec(text.slice(at, end))
    const unmet = form === null ? null : unmetRequirement(form[1])
    if (unmet !== null) return unmet
    at = end + 1
  }
  return null
}

function optionEnd(text: string, at: number): number {
  let end = text.indexOf(';', at)
  while (end > 0 && text[end - 1] === '\\') end = text.indexOf(';', end + 1)
  return end
}

function leadingBlanks(text: string, at: number): number {
  let count = 0
  while (text[at + count] === ' ') count += 1
  return count
}

function checkShape(row: Keyword, key: string, hasValue: boolean, builder: RuleBuilder): void {
  if (row.argument === 'none' && hasValue)
    throw new RuleFault('bad-argument', `${key} takes no argument`)
  if (row.argument === 'required' && !hasValue)
    throw new RuleFault(
      'bad-argument',
      `${key} needs an argument`,
      row.grammar === '' ? {} : { suggestion: `${key}:${row.grammar};` },
    )
  if (!row.repeatable) {
    if (builder.seen.has(row.name)) throw new RuleFault('conflict', `${key} is given twice`)
    builder.seen.add(row.name)
  }
}

function sidOf(text: string): number {
  const match = /[;(]\s*sid\s*:\s*(\d{1,10})\s*;/.exec(text)
  return match === null ? 0 : Number(match[1])
}
