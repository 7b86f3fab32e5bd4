import type { Diagnostics, SourcePosition } from './diagnostic.ts'
import type { Selector, Target } from './model.ts'
import { suggestion } from './suggest.ts'
import { VARIABLE_ALIASES, VARIABLES } from './variable-names.ts'
import type { Word } from './words.ts'
import { parseXPath } from './xpath.ts'

/** Most targets of one rule. */
export const MAX_TARGETS = 256

/**
 * Parses a list of variables.
 *
 * ```
 * list     = target *( ("|" / ",") target )
 * target   = [ "!" / "&" ] NAME [ ":" selector ]
 * selector = "/" regex "/" / "'" "/" regex "/" "'" / key / "'" key "'"     ; XML: an XPath
 * ```
 *
 * A regex ends at a `/` that stands before the end of the target; `\/` does not end it.
 */
export function parseTargets(word: Word, diagnostics: Diagnostics): Target[] {
  const targets: Target[] = []
  const { text } = word
  let index = 0
  while (index < text.length) {
    const scan = scanTarget(text, index)
    if (scan.unterminated) {
      diagnostics.error('SECLANG_SYNTAX', word.positionAt(index), 'the selector is never closed')
      return targets
    }
    const target = readTarget(scan, word.positionAt(scan.start), diagnostics)
    if (target !== null) targets.push(target)
    index = scan.end + 1
  }
  if (targets.length > MAX_TARGETS) {
    diagnostics.error('SECLANG_LIMIT', word.position, `more than ${MAX_TARGETS} variables`)
  }
  return targets
}

interface TargetScan {
  readonly start: number
  /** Offset of the separator, or the end of the text. */
  readonly end: number
  readonly prefix: string
  readonly name: string
  readonly selector: string | null
  readonly unterminated: boolean
}

function scanTarget(text: string, from: number): TargetScan {
  let index = from
  while (text[index] === ' ' || text[index] === '\t') index += 1
  const start = index
  let prefix = ''
  while (text[index] === '!' || text[index] === '&') {
    prefix += text[index]
    index += 1
  }
  const nameStart = index
  while (index < text.length && !':|,'.includes(text[index])) index += 1
  const name = text.slice(nameStart, index).trim()
  if (text[index] !== ':') {
    return { start, end: index, prefix, name, selector: null, unterminated: false }
  }
  const selectorStart = index + 1
  const end = endOfSelector(text, selectorStart, name.toUpperCase() === 'XML')
  const selector = text.slice(selectorStart, end < 0 ? text.length : end).trim()
  return { start, end: end < 0 ? text.length : end, prefix, name, selector, unterminated: end < 0 }
}

function endOfSelector(text: string, from: number, isXml: boolean): number {
  let index = from
  const quoted = text[from] === "'"
  const regex = !isXml && text[quoted ? from + 1 : from] === '/'
  if (!quoted && !regex) {
    while (index < text.length && text[index] !== '|' && text[index] !== ',') index += 1
    return index
  }
  const closing = quoted ? "'" : '/'
  for (index = from + 1; index < text.length; index += 1) {
    if (text[index] === '\\') {
      index += 1
      continue
    }
    const next = text[index + 1]
    const last = next === undefined || next === '|' || next === ',' || next === ' '
    if (text[index] === closing && last) return index + 1
  }
  return -1
}

function readTarget(
  scan: TargetScan,
  position: SourcePosition,
  diagnostics: Diagnostics,
): Target | null {
  const upper = scan.name.toUpperCase()
  const collection = VARIABLE_ALIASES.get(upper) ?? upper
  const kind = VARIABLES.get(collection)
  if (kind === undefined) {
    const hint = suggestion(scan.name, VARIABLES.keys())
    diagnostics.error(
      'SECLANG_UNKNOWN_VARIABLE',
      position,
      `unknown variable "${scan.name}"${hint}`,
    )
    return null
  }
  if (scan.prefix.length > 1) {
    diagnostics.error('SECLANG_SYNTAX', position, `"${scan.prefix}" cannot stand together`)
    return null
  }
  if (kind.kind === 'empty') {
    const message = `${collection} never has a value here: ${kind.reason}`
    diagnostics.warning('SECLANG_NEVER_MATCHES', position, message)
  }
  if (kind.kind === 'scalar' && scan.selector !== null) {
    const message = `${collection} has one value and takes no selector (":${scan.selector}")`
    diagnostics.error('SECLANG_ARGUMENT', position, message)
    return null
  }
  if (kind.kind === 'xml' && scan.selector === null && scan.prefix !== '!') {
    const message = 'XML needs an XPath: XML:/* or XML://@*'
    diagnostics.error('SECLANG_ARGUMENT', position, message)
    return null
  }
  if (kind.kind === 'xml' && scan.selector !== null && parseXPath(scan.selector) === null) {
    const message = `the path "${scan.selector}" is more than is offered: names, *, @name, @*, text()`
    diagnostics.error('SECLANG_REFUSED', position, message)
    return null
  }
  return {
    collection,
    selector: readSelector(scan.selector, kind.kind === 'xml'),
    count: scan.prefix === '&',
    exclude: scan.prefix === '!',
    position,
  }
}

function readSelector(written: string | null, isXml: boolean): Selector | null {
  if (written === null || written === '') return null
  const quoted = written.length >= 2 && written.startsWith("'") && written.endsWith("'")
  const text = quoted ? written.slice(1, -1).replaceAll("\\'", "'") : written
  if (isXml) return { kind: 'xpath', path: text }
  if (text.length >= 2 && text.startsWith('/') && text.endsWith('/')) {
    return { kind: 'regex', pattern: text.slice(1, -1).replaceAll('\\/', '/') }
  }
  return { kind: 'name', name: text }
}

/** A target as it is written, for messages and alerts. */
export function formatTarget(target: Target): string {
  const prefix = target.exclude ? '!' : target.count ? '&' : ''
  const { selector } = target
  if (selector === null) return prefix + target.collection
  if (selector.kind === 'regex') return `${prefix}${target.collection}:/${selector.pattern}/`
  return `${prefix}${target.collection}:${selector.kind === 'name' ? selector.name : selector.path}`
}

/** True when both mean the same values, however they are spelled. */
export function sameTarget(left: Target, right: Target): boolean {
  return formatTarget(left).toLowerCase() === formatTarget(right).toLowerCase()
}
