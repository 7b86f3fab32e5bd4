import type { ActionUse } from './action-list.ts'
import { parseCtl } from './ctl.ts'
import type { Diagnostics } from './diagnostic.ts'
import type { Effect, PersistentCollection, Sanitise } from './model.ts'
import { suggestion } from './suggest.ts'

const PERSISTENT: ReadonlySet<string> = new Set(['GLOBAL', 'IP', 'SESSION', 'USER', 'RESOURCE'])
const SETTABLE: readonly string[] = ['TX', 'ENV', ...PERSISTENT]

/** Actions that change state. */
export const EFFECT_ACTIONS: ReadonlySet<string> = new Set([
  'setvar',
  'setenv',
  'expirevar',
  'deprecatevar',
  'initcol',
  'setsid',
  'setuid',
  'setrsc',
  'ctl',
  'sanitisearg',
  'sanitisematched',
  'sanitisematchedbytes',
  'sanitiserequestheader',
  'sanitiseresponseheader',
])

/** Turns one action of `EFFECT_ACTIONS` into effects; errors leave none. */
export function parseEffect(use: ActionUse, diagnostics: Diagnostics): Effect[] {
  const value = use.value ?? ''
  switch (use.name) {
    case 'setvar':
      return parseSetvar(use, value, diagnostics)
    case 'setenv': {
      const equals = value.indexOf('=')
      if (value.startsWith('!')) return [variable('ENV', value.slice(1), 'unset', '')]
      const name = equals < 0 ? value : value.slice(0, equals)
      return [variable('ENV', name, 'set', equals < 0 ? '1' : value.slice(equals + 1))]
    }
    case 'expirevar': {
      const split = splitVariable(use, value, diagnostics)
      if (split === null || split.collection === 'ENV') return []
      return [
        {
          kind: 'expirevar',
          collection: split.collection,
          name: split.name,
          seconds: split.value ?? '0',
        },
      ]
    }
    case 'deprecatevar':
      return parseDeprecatevar(use, value, diagnostics)
    case 'initcol': {
      const equals = value.indexOf('=')
      const collection = value.slice(0, Math.max(0, equals)).trim().toUpperCase()
      if (!PERSISTENT.has(collection)) {
        const message = `initcol needs COLLECTION=KEY with one of ${[...PERSISTENT].join(', ')}`
        diagnostics.error('SECLANG_ARGUMENT', use.position, message)
        return []
      }
      const key = value.slice(equals + 1)
      return [{ kind: 'initcol', collection: collection as PersistentCollection, key }]
    }
    case 'setsid':
      return [{ kind: 'initcol', collection: 'SESSION', key: value }]
    case 'setuid':
      return [{ kind: 'initcol', collection: 'USER', key: value }]
    case 'setrsc':
      return [{ kind: 'initcol', collection: 'RESOURCE', key: value }]
    case 'sanitisearg':
      return sanitiseNamed(use, 'argument', diagnostics)
    case 'sanitiserequestheader':
      return sanitiseNamed(use, 'request-header', diagnostics)
    case 'sanitiseresponseheader':
      return sanitiseNamed(use, 'response-header', diagnostics)
    case 'sanitisematched':
      return [{ kind: 'sanitise', sanitise: { what: 'matched' } }]
    case 'sanitisematchedbytes':
      return sanitiseBytes(use, diagnostics)
    default: {
      const ctl = parseCtl(use, diagnostics)
      return ctl === null ? [] : [{ kind: 'ctl', ctl }]
    }
  }
}

function sanitiseNamed(
  use: ActionUse,
  what: 'argument' | 'request-header' | 'response-header',
  diagnostics: Diagnostics,
): Effect[] {
  const name = (use.value ?? '').trim()
  if (name !== '') return [{ kind: 'sanitise', sanitise: { what, name } }]
  diagnostics.error('SECLANG_ARGUMENT', use.position, `${use.name} needs a name`)
  return []
}

/** `sanitiseMatchedBytes[:FIRST[/LAST]]`: bytes that stay readable. */
function sanitiseBytes(use: ActionUse, diagnostics: Diagnostics): Effect[] {
  const match = /^(?:(\d{1,4})(?:\/(\d{1,4}))?)?$/.exec((use.value ?? '').trim())
  if (match === null) {
    const message = `${use.name} needs nothing, FIRST or FIRST/LAST, not "${use.value}"`
    diagnostics.error('SECLANG_ARGUMENT', use.position, message)
    return []
  }
  const sanitise: Sanitise = {
    what: 'matched-bytes',
    keepFirst: Number(match[1] ?? 0),
    keepLast: Number(match[2] ?? 0),
  }
  return [{ kind: 'sanitise', sanitise }]
}

type Settable = 'TX' | 'ENV' | PersistentCollection

interface SplitVariable {
  readonly collection: Settable
  readonly name: string
  readonly value: string | null
}

function variable(
  collection: Settable,
  name: string,
  operation: 'set' | 'add' | 'subtract' | 'unset',
  value: string,
): Effect {
  return { kind: 'setvar', collection, name, operation, value }
}

/**
 * `[!]collection.name[=[+|-]value]`. A dot or a colon ends the collection's name; the rest, macros
 * included, is the variable's.
 */
function parseSetvar(use: ActionUse, written: string, diagnostics: Diagnostics): Effect[] {
  const unset = written.startsWith('!')
  const split = splitVariable(use, unset ? written.slice(1) : written, diagnostics)
  if (split === null) return []
  if (unset) return [variable(split.collection, split.name, 'unset', '')]
  const value = split.value ?? '1'
  const sign = value[0]
  if (sign === '+') return [variable(split.collection, split.name, 'add', value.slice(1))]
  if (sign === '-') return [variable(split.collection, split.name, 'subtract', value.slice(1))]
  return [variable(split.collection, split.name, 'set', value)]
}

function splitVariable(
  use: ActionUse,
  written: string,
  diagnostics: Diagnostics,
): SplitVariable | null {
  const match = /^\s*([A-Za-z]+)[.:](.*)$/s.exec(written)
  const collection = match?.[1]?.toUpperCase() ?? ''
  if (match === null || match[2] === '' || !SETTABLE.includes(collection)) {
    const hint = collection === '' ? '' : suggestion(collection, SETTABLE)
    const message = `${use.name} needs COLLECTION.NAME with one of ${SETTABLE.join(', ')}${hint}`
    diagnostics.error('SECLANG_ARGUMENT', use.position, message)
    return null
  }
  const rest = match[2]
  const equals = endOfName(rest)
  return {
    collection: collection as Settable,
    name: (equals < 0 ? rest : rest.slice(0, equals)).trim(),
    value: equals < 0 ? null : rest.slice(equals + 1),
  }
}

/** Offset of the `=` after the name; one inside a macro does not count. */
function endOfName(text: string): number {
  let inMacro = false
  for (let index = 0; index < text.length; index += 1) {
    if (text.startsWith('%{', index)) inMacro = true
    else if (text[index] === '}') inMacro = false
    else if (text[index] === '=' && !inMacro) return index
  }
  return -1
}

function parseDeprecatevar(use: ActionUse, written: string, diagnostics: Diagnostics): Effect[] {
  const split = splitVariable(use, written, diagnostics)
  if (split === null) return []
  const amount = /^(\d{1,9})\/(\d{1,9})$/.exec(split.value ?? '')
  if (amount === null || !PERSISTENT.has(split.collection)) {
    const message = 'deprecatevar needs COLLECTION.NAME=AMOUNT/SECONDS of a persistent collection'
    diagnostics.error('SECLANG_ARGUMENT', use.position, message)
    return []
  }
  return [
    {
      kind: 'deprecatevar',
      collection: split.collection as PersistentCollection,
      name: split.name,
      amount: Number(amount[1]),
      seconds: Number(amount[2]),
    },
  ]
}
