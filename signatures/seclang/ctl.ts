import type { ActionUse } from './action-list.ts'
import type { Diagnostics } from './diagnostic.ts'
import { parseIdRanges } from './id-ranges.ts'
import { LogicalLine } from './logical-line.ts'
import type { BodyProcessor, Ctl, RuleSelection } from './model.ts'
import { checkSelection } from './selection.ts'
import { suggestion } from './suggest.ts'
import { parseTargets } from './targets.ts'
import { Word } from './words.ts'

const CTL_SPELLINGS: readonly string[] = (
  'auditEngine auditLogParts debugLogLevel forceRequestBodyVariable hashEnforcement hashEngine ' +
  'requestBodyAccess requestBodyLimit requestBodyProcessor responseBodyAccess responseBodyLimit ' +
  'ruleEngine ruleRemoveById ruleRemoveByMsg ruleRemoveByTag ruleRemoveTargetById ' +
  'ruleRemoveTargetByMsg ruleRemoveTargetByTag'
).split(' ')

const PROCESSORS: ReadonlySet<string> = new Set(['URLENCODED', 'MULTIPART', 'XML', 'JSON'])

/** Parses the value of `ctl:`, `option=value`; null after an error or an ignored option. */
export function parseCtl(use: ActionUse, diagnostics: Diagnostics): Ctl | null {
  const text = use.value ?? ''
  const equals = text.indexOf('=')
  const option = (equals < 0 ? text : text.slice(0, equals)).trim()
  const value = equals < 0 ? '' : text.slice(equals + 1).trim()
  const ctl = read(option.toLowerCase(), value, use, diagnostics)
  if (ctl === 'unknown') {
    const message = `unknown ctl option "${option}"${suggestion(option, CTL_SPELLINGS)}`
    diagnostics.error('SECLANG_UNKNOWN_CTL', use.position, message)
    return null
  }
  if (ctl === 'bad') {
    const message = `ctl:${option} cannot have the value "${value}"`
    diagnostics.error('SECLANG_ARGUMENT', use.position, message)
    return null
  }
  if (ctl === 'reported') return null
  if (ctl === 'ignored') {
    const message = `ctl:${option} is ignored: links are not signed here`
    diagnostics.warning('SECLANG_IGNORED_ACTION', use.position, message)
    return null
  }
  return ctl
}

function read(
  option: string,
  value: string,
  use: ActionUse,
  diagnostics: Diagnostics,
): Ctl | 'unknown' | 'bad' | 'ignored' | 'reported' {
  const lower = value.toLowerCase()
  const on = lower === 'on' ? true : lower === 'off' ? false : null
  switch (option) {
    case 'ruleengine': {
      const mode = lower === 'detectiononly' ? 'detection-only' : lower
      return mode === 'on' || mode === 'off' || mode === 'detection-only'
        ? { kind: 'rule-engine', mode }
        : 'bad'
    }
    case 'ruleremovebyid':
    case 'ruleremovebytag':
    case 'ruleremovebymsg': {
      const selection = readSelection(option.slice('ruleremoveby'.length), value)
      if (selection === null) return 'bad'
      if (!checkSelection(selection, diagnostics, use.position)) return 'reported'
      return { kind: 'remove-rules', selection }
    }
    case 'ruleremovetargetbyid':
    case 'ruleremovetargetbytag':
    case 'ruleremovetargetbymsg': {
      const semicolon = value.indexOf(';')
      if (semicolon < 0) return 'bad'
      const by = option.slice('ruleremovetargetby'.length)
      const selection = readSelection(by, value.slice(0, semicolon).trim())
      const targets = targetsOf(value.slice(semicolon + 1), use, diagnostics)
      if (selection === null || targets.length === 0) return 'bad'
      if (!checkSelection(selection, diagnostics, use.position)) return 'reported'
      return { kind: 'remove-targets', selection, targets }
    }
    case 'requestbodyprocessor': {
      const processor = value.toUpperCase()
      if (!PROCESSORS.has(processor)) return 'bad'
      return { kind: 'request-body-processor', processor: processor as BodyProcessor }
    }
    case 'forcerequestbodyvariable':
      return on === null ? 'bad' : { kind: 'force-request-body-variable', on }
    case 'requestbodyaccess':
      return on === null ? 'bad' : { kind: 'request-body-access', on }
    case 'responsebodyaccess':
      return on === null ? 'bad' : { kind: 'response-body-access', on }
    case 'requestbodylimit':
      return isCount(value) ? { kind: 'request-body-limit', bytes: Number(value) } : 'bad'
    case 'responsebodylimit':
      return isCount(value) ? { kind: 'response-body-limit', bytes: Number(value) } : 'bad'
    case 'auditengine': {
      const mode = lower === 'relevantonly' ? 'relevant-only' : lower
      return mode === 'on' || mode === 'off' || mode === 'relevant-only'
        ? { kind: 'audit-engine', mode }
        : 'bad'
    }
    case 'auditlogparts':
      return /^[+-]?[A-K]*Z?$/i.test(value) ? { kind: 'audit-log-parts', parts: value } : 'bad'
    case 'debugloglevel':
      return /^[0-9]$/.test(value) ? { kind: 'debug-log-level', level: Number(value) } : 'bad'
    case 'hashengine':
    case 'hashenforcement':
      return 'ignored'
    default:
      return 'unknown'
  }
}

function readSelection(by: string, value: string): RuleSelection | null {
  if (value === '') return null
  if (by === 'tag') return { by: 'tag', pattern: value }
  if (by === 'msg') return { by: 'msg', pattern: value }
  const ranges = parseIdRanges(value)
  return ranges === null ? null : { by: 'id', ranges }
}

/** Targets inside a ctl: columns of errors are those of the action. */
function targetsOf(text: string, use: ActionUse, diagnostics: Diagnostics) {
  const { file, line, column } = use.position
  const offset = Math.max(0, column - 1)
  const logical = new LogicalLine(file, line, ' '.repeat(offset) + text, [0])
  return parseTargets(new Word(logical, offset, text, []), diagnostics)
}

function isCount(text: string): boolean {
  return /^[0-9]{1,12}$/.test(text)
}
