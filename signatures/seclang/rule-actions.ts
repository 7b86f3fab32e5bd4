import type { ActionUse } from './action-list.ts'
import type { Diagnostics } from './diagnostic.ts'
import { EFFECT_ACTIONS, parseEffect } from './effects.ts'
import type { Disruptive, Effect, Phase, RuleActions } from './model.ts'
import { suggestion } from './suggest.ts'
import { TRANSFORMATION_SPELLINGS, TRANSFORMATIONS } from './transformation-names.ts'

const SEVERITIES = 'EMERGENCY ALERT CRITICAL ERROR WARNING NOTICE INFO DEBUG'.split(' ')
const PHASES: ReadonlyMap<string, Phase> = new Map<string, Phase>([
  ['1', 1],
  ['2', 2],
  ['3', 3],
  ['4', 4],
  ['5', 5],
  ['request', 2],
  ['response', 4],
  ['logging', 5],
])

/** Known and without effect: what they ask for cannot be done by something that only inspects. */
const IGNORED: ReadonlyMap<string, string> = new Map([
  ['append', 'traffic is inspected and never rewritten'],
  ['prepend', 'traffic is inspected and never rewritten'],
  ['pause', 'a worker never sleeps'],
  ['xmlns', 'elements are compared by the name they are written with'],
])

const REFUSED: ReadonlyMap<string, string> = new Map([
  ['exec', 'rules do not start programs or scripts'],
  ['proxy', 'the upstream of a connection is the one the client dialled'],
])

const PLAIN =
  'accuracy allow auditlog block capture chain deny drop id log logdata maturity msg multiMatch ' +
  'noauditlog nolog pass phase redirect rev severity skip skipAfter status t tag ver'
const SPELLINGS: readonly string[] = [
  ...PLAIN.split(' '),
  ...EFFECT_ACTIONS,
  ...IGNORED.keys(),
  ...REFUSED.keys(),
]

type Mutable = { -readonly [Key in keyof RuleActions]: RuleActions[Key] } & {
  tags: string[]
  transformations: string[]
  effects: Effect[]
}

/** Reads the actions of one rule; what is wrong is reported and left out. */
export function readActions(uses: readonly ActionUse[], diagnostics: Diagnostics): RuleActions {
  const actions = emptyActions()
  for (const use of uses) readAction(use, actions, diagnostics)
  return actions
}

export function emptyActions(): Mutable {
  return {
    id: null,
    phase: null,
    disruptive: null,
    status: null,
    log: null,
    auditlog: null,
    msg: null,
    logdata: null,
    severity: null,
    rev: null,
    ver: null,
    maturity: null,
    accuracy: null,
    tags: [],
    transformations: [],
    resetsTransformations: false,
    capture: false,
    multiMatch: false,
    chain: false,
    skip: null,
    skipAfter: null,
    effects: [],
  }
}

function readAction(use: ActionUse, actions: Mutable, diagnostics: Diagnostics): void {
  const value = use.value ?? ''
  const bad = (expected: string): void =>
    diagnostics.error(
      'SECLANG_ARGUMENT',
      use.position,
      `${use.name} needs ${expected}, not "${value}"`,
    )
  switch (use.name) {
    case 'id': {
      if (/^[1-9]\d{0,9}$/.test(value)) actions.id = Number(value)
      else bad('a number from 1')
      return
    }
    case 'phase': {
      const phase = PHASES.get(value.toLowerCase())
      if (phase === undefined) bad('1, 2, 3, 4, 5, request, response or logging')
      else actions.phase = phase
      return
    }
    case 'pass':
    case 'deny':
    case 'drop':
    case 'block':
      actions.disruptive = { kind: use.name }
      return
    case 'allow':
      actions.disruptive = readAllow(value, bad)
      return
    case 'redirect':
      actions.disruptive = { kind: 'redirect', location: value }
      if (value === '' || /[\r\n]/.test(value)) bad('a URL')
      return
    case 'status': {
      if (/^[1-5]\d\d$/.test(value)) actions.status = Number(value)
      else bad('an HTTP status')
      return
    }
    case 'severity': {
      const level = /^[0-7]$/.test(value) ? Number(value) : SEVERITIES.indexOf(value.toUpperCase())
      if (level < 0) bad(`0 to 7 or one of ${SEVERITIES.join(', ')}`)
      else actions.severity = level
      return
    }
    case 'maturity':
    case 'accuracy':
    case 'skip': {
      if (/^\d{1,6}$/.test(value)) actions[use.name] = Number(value)
      else bad('a number')
      return
    }
    case 'log':
      actions.log = true
      actions.auditlog ??= true
      return
    case 'nolog':
      actions.log = false
      actions.auditlog = false
      return
    case 'auditlog':
      actions.auditlog = true
      return
    case 'noauditlog':
      actions.auditlog = false
      return
    case 'skipafter':
      actions.skipAfter = value
      return
    case 'tag':
      actions.tags.push(value)
      return
    case 'msg':
    case 'logdata':
    case 'rev':
    case 'ver':
      actions[use.name] = value
      return
    case 'capture':
    case 'chain':
      actions[use.name] = true
      return
    case 'multimatch':
      actions.multiMatch = true
      return
    case 't':
      readTransformation(value, use, actions, diagnostics)
      return
    default:
      readOther(use, actions, diagnostics)
  }
}

function readAllow(value: string, bad: (expected: string) => void): Disruptive | null {
  const scope = value.toLowerCase()
  if (scope === '') return { kind: 'allow', scope: 'transaction' }
  if (scope === 'phase' || scope === 'request') return { kind: 'allow', scope }
  bad('nothing, phase or request')
  return null
}

function readTransformation(
  value: string,
  use: ActionUse,
  actions: Mutable,
  diagnostics: Diagnostics,
): void {
  const name = value.toLowerCase()
  if (name === 'none') {
    actions.transformations.length = 0
    actions.resetsTransformations = true
  } else if (TRANSFORMATIONS.has(name)) {
    actions.transformations.push(name)
  } else {
    const message = `unknown transformation "${value}"${suggestion(value, TRANSFORMATION_SPELLINGS)}`
    diagnostics.error('SECLANG_UNKNOWN_TRANSFORMATION', use.position, message)
  }
}

function readOther(use: ActionUse, actions: Mutable, diagnostics: Diagnostics): void {
  if (EFFECT_ACTIONS.has(use.name)) {
    actions.effects.push(...parseEffect(use, diagnostics))
    return
  }
  const refused = REFUSED.get(use.name)
  if (refused !== undefined) {
    diagnostics.error('SECLANG_REFUSED', use.position, `${use.name} is refused: ${refused}`)
    return
  }
  const ignored = IGNORED.get(use.name)
  if (ignored !== undefined) {
    const message = `${use.name} is ignored: ${ignored}`
    diagnostics.warning('SECLANG_IGNORED_ACTION', use.position, message)
    return
  }
  const message = `unknown action "${use.name}"${suggestion(use.name, SPELLINGS)}`
  diagnostics.error('SECLANG_UNKNOWN_ACTION', use.position, message)
}
