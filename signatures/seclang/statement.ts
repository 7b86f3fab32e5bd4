import { type ActionUse, parseActionList } from './action-list.ts'
import type { Diagnostics, SourcePosition } from './diagnostic.ts'
import { parseIdRanges } from './id-ranges.ts'
import type { LogicalLine } from './logical-line.ts'
import { MAX_LOGICAL_LINE } from './logical-line.ts'
import type { EngineSettings, OperatorUse, RuleSelection, Target } from './model.ts'
import { parseOperator } from './operator-use.ts'
import { checkSelection } from './selection.ts'
import { IGNORED_DIRECTIVES, REFUSED_DIRECTIVES, SETTINGS } from './settings.ts'
import { suggestion } from './suggest.ts'
import { parseTargets } from './targets.ts'
import { splitWords, type Word } from './words.ts'

/** One directive, parsed on its own; what it does to the others is decided in `rule-set.ts`. */
export type Statement = { readonly position: SourcePosition } & (
  | {
      readonly kind: 'rule'
      readonly targets: readonly Target[]
      /** Null: `SecAction`. */
      readonly operator: OperatorUse | null
      readonly actions: readonly ActionUse[]
      /** An error was reported inside: the rule counts as rejected. */
      readonly broken: boolean
    }
  | { readonly kind: 'marker'; readonly name: string }
  | { readonly kind: 'default-action'; readonly actions: readonly ActionUse[] }
  | { readonly kind: 'remove'; readonly selection: RuleSelection }
  | {
      readonly kind: 'update-targets'
      readonly selection: RuleSelection
      readonly targets: readonly Target[]
      readonly replaced: readonly Target[]
    }
  | {
      readonly kind: 'update-actions'
      readonly id: number
      readonly link: number
      readonly actions: readonly ActionUse[]
    }
  | { readonly kind: 'setting'; readonly apply: (settings: EngineSettings) => void }
  | { readonly kind: 'component'; readonly text: string }
  | { readonly kind: 'include'; readonly path: string; readonly optional: boolean }
  /** `<IfModule X>`: `holds` tells whether the lines up to its end count. */
  | { readonly kind: 'block'; readonly holds: boolean }
  | { readonly kind: 'block-end' }
)

const RULE_DIRECTIVES: readonly string[] = (
  'Include IncludeOptional SecAction SecComponentSignature SecDefaultAction SecMarker SecRule ' +
  'SecRuleRemoveById SecRuleRemoveByMsg SecRuleRemoveByTag SecRuleUpdateActionById ' +
  'SecRuleUpdateTargetById SecRuleUpdateTargetByMsg SecRuleUpdateTargetByTag'
).split(' ')

/** Modules of Apache that `<IfModule>` may ask for and that this engine stands in for. */
const MODULES: ReadonlySet<string> = new Set([
  'security2_module',
  'mod_security2.c',
  'security3_module',
  'mod_security3.c',
  'unique_id_module',
  'mod_unique_id.c',
])

/** Parses one directive; null after an error, a warning or nothing to do. */
export function parseStatement(line: LogicalLine, diagnostics: Diagnostics): Statement | null {
  const start = line.positionAt(line.text.length - line.text.trimStart().length)
  if (line.text.length > MAX_LOGICAL_LINE) {
    diagnostics.error('SECLANG_LIMIT', start, `directive has more than ${MAX_LOGICAL_LINE} bytes`)
    return null
  }
  const split = splitWords(line)
  if (!split.ok) {
    diagnostics.error('SECLANG_SYNTAX', split.at, split.message)
    return null
  }
  const { name, words } = split
  const lower = name.text.toLowerCase()
  if (lower.startsWith('<')) return parseBlock(line.text.trim(), start, diagnostics)
  return parseDirective(lower, name, words, start, diagnostics)
}

function parseDirective(
  lower: string,
  name: Word,
  words: readonly Word[],
  position: SourcePosition,
  diagnostics: Diagnostics,
): Statement | null {
  const takes = (least: number, most: number): boolean => {
    if (words.length >= least && words.length <= most) return true
    const range = least === most ? `${least}` : `${least} to ${most}`
    const message = `${name.text} takes ${range} arguments, ${words.length} are given`
    diagnostics.error('SECLANG_SYNTAX', position, message)
    return false
  }
  switch (lower) {
    case 'secrule':
      return takes(2, 3) ? parseRule(words, position, diagnostics) : null
    case 'secaction':
      return takes(1, 1) ? parseRule([null, null, words[0]], position, diagnostics) : null
    case 'secmarker':
      return takes(1, 1) ? { kind: 'marker', name: words[0].text, position } : null
    case 'secdefaultaction': {
      if (!takes(1, 1)) return null
      return { kind: 'default-action', actions: parseActionList(words[0], diagnostics), position }
    }
    case 'seccomponentsignature':
      return takes(1, 1) ? { kind: 'component', text: words[0].text, position } : null
    case 'include':
    case 'includeoptional': {
      if (!takes(1, 1)) return null
      return { kind: 'include', path: words[0].text, optional: lower !== 'include', position }
    }
    case 'secruleremovebyid':
    case 'secruleremovebytag':
    case 'secruleremovebymsg': {
      const selection = parseSelection(lower.slice('secruleremoveby'.length), words, diagnostics)
      return selection === null ? null : { kind: 'remove', selection, position }
    }
    case 'secruleupdatetargetbyid':
    case 'secruleupdatetargetbytag':
    case 'secruleupdatetargetbymsg': {
      if (!takes(2, 3)) return null
      const by = lower.slice('secruleupdatetargetby'.length)
      const selection = parseSelection(by, words.slice(0, 1), diagnostics)
      const targets = parseTargets(words[1], diagnostics)
      const replaced = words[2] === undefined ? [] : parseTargets(words[2], diagnostics)
      if (selection === null) return null
      return { kind: 'update-targets', selection, targets, replaced, position }
    }
    case 'secruleupdateactionbyid': {
      if (!takes(2, 2)) return null
      const match = /^(\d{1,10})(?::(\d{1,3}))?$/.exec(words[0].text)
      if (match === null) {
        const message = 'a rule id is expected, or ID:N for the Nth link of a chain'
        diagnostics.error('SECLANG_ARGUMENT', words[0].position, message)
        return null
      }
      const actions = parseActionList(words[1], diagnostics)
      const link = Number(match[2] ?? 0)
      return { kind: 'update-actions', id: Number(match[1]), link, actions, position }
    }
    default:
      return parseSetting(lower, name, words, position, diagnostics)
  }
}

function parseRule(
  words: readonly (Word | null)[],
  position: SourcePosition,
  diagnostics: Diagnostics,
): Statement {
  const before = diagnostics.errorCount
  const [targetWord, operatorWord, actionWord] = words
  const targets = targetWord ? parseTargets(targetWord, diagnostics) : []
  const operator = operatorWord ? parseOperator(operatorWord, diagnostics) : null
  const actions = actionWord ? parseActionList(actionWord, diagnostics) : []
  if (targetWord && diagnostics.errorCount === before && targets.every((one) => one.exclude)) {
    diagnostics.error('SECLANG_SYNTAX', position, 'the rule looks at no variable')
  }
  return {
    kind: 'rule',
    targets,
    operator,
    actions,
    position,
    broken: diagnostics.errorCount > before,
  }
}

function parseSelection(
  by: string,
  words: readonly Word[],
  diagnostics: Diagnostics,
): RuleSelection | null {
  const text = words.map((word) => word.text).join(' ')
  const position = words[0]?.position
  if (position === undefined) return null
  if (by === 'tag' || by === 'msg') {
    const selection: RuleSelection = { by, pattern: text }
    return checkSelection(selection, diagnostics, position) ? selection : null
  }
  const ranges = parseIdRanges(text)
  if (ranges !== null) return { by: 'id', ranges }
  diagnostics.error('SECLANG_ARGUMENT', position, `"${text}" is no rule id and no range of them`)
  return null
}

function parseSetting(
  lower: string,
  name: Word,
  words: readonly Word[],
  position: SourcePosition,
  diagnostics: Diagnostics,
): Statement | null {
  const setting = SETTINGS.get(lower)
  if (setting !== undefined) {
    const values = words.map((word) => word.text)
    const expected = setting(values, {})
    if (expected === null) {
      return { kind: 'setting', apply: (settings) => void setting(values, settings), position }
    }
    const at = words[0]?.position ?? position
    const given = values.length === 0 ? 'nothing' : `"${values.join(' ')}"`
    diagnostics.error('SECLANG_ARGUMENT', at, `${name.text} needs ${expected}, not ${given}`)
    return null
  }
  const ignored = IGNORED_DIRECTIVES.get(lower)
  if (ignored !== undefined) {
    const message = `${name.text} has no effect: ${ignored}`
    diagnostics.warning('SECLANG_IGNORED_DIRECTIVE', position, message)
    return null
  }
  const refused = REFUSED_DIRECTIVES.get(lower)
  if (refused !== undefined) {
    diagnostics.error('SECLANG_REFUSED', position, `${name.text} is refused: ${refused}`)
    return null
  }
  const known = [...RULE_DIRECTIVES, ...SETTINGS.keys(), ...IGNORED_DIRECTIVES.keys()]
  const message = `unknown directive "${name.text.slice(0, 80)}"${suggestion(name.text, known)}`
  diagnostics.error('SECLANG_UNKNOWN_DIRECTIVE', position, message)
  return null
}

function parseBlock(
  text: string,
  position: SourcePosition,
  diagnostics: Diagnostics,
): Statement | null {
  if (/^<\/IfModule\s*>$/i.test(text)) return { kind: 'block-end', position }
  const match = /^<IfModule\s+(!?)([\w.-]+)\s*>$/i.exec(text)
  if (match !== null) {
    const present = MODULES.has(match[2].toLowerCase())
    return { kind: 'block', holds: (match[1] === '!') !== present, position }
  }
  const message =
    'only <IfModule> blocks are read: what differs by location is a chain of its own here'
  diagnostics.error('SECLANG_REFUSED', position, message)
  return null
}
