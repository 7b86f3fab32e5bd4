import type { Ctl, Sanitise } from '#signatures/seclang/model.ts'
import type { CompiledEffect } from '../compile/program.ts'
import { CHANGES, toInteger } from '../transaction/arithmetic.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { removeRules } from './leave-out.ts'

/** Most target exclusions of one transaction. */
export const MAX_TARGET_EXCLUSIONS = 2000
/** Longest key of a persistent collection. */
const MAX_KEY_BYTES = 256
const MAX_ENVIRONMENT = 200
/** Most values of one transaction that the audit log masks by name. */
const MAX_SECRETS = 200

/** Does what a match changes. */
export function applyEffect(effect: CompiledEffect, transaction: Transaction): void {
  switch (effect.kind) {
    case 'set-slot': {
      const { slots } = transaction.tx
      slots[effect.slot] = effect.apply(slots[effect.slot], effect.value.expand(transaction))
      return
    }
    case 'setvar':
      setVariable(effect, transaction)
      return
    case 'expirevar': {
      // TX ends with the transaction anyway.
      if (effect.collection === 'TX') return
      const seconds = toInteger(effect.seconds.expand(transaction))
      const name = effect.name.expand(transaction)
      transaction.records?.get(effect.collection)?.expire(name, seconds, transaction.nowMs)
      return
    }
    case 'deprecatevar': {
      const { amount, seconds } = effect
      const name = effect.name.expand(transaction)
      transaction.records
        ?.get(effect.collection)
        ?.deprecate(name, amount, seconds, transaction.nowMs)
      return
    }
    case 'initcol': {
      const { collection } = effect
      const key = effect.key.expand(transaction).slice(0, MAX_KEY_BYTES)
      if (key === '') return
      transaction.records ??= new Map()
      if (transaction.records.has(collection)) return
      transaction.records.set(
        collection,
        transaction.store.open(collection, key, transaction.nowMs),
      )
      return
    }
    case 'remove-rules':
      removeRules(effect.rules, transaction)
      return
    case 'remove-targets':
      transaction.removedTargets ??= []
      if (transaction.removedTargets.length < MAX_TARGET_EXCLUSIONS) {
        transaction.removedTargets.push(effect.exclusion)
      }
      return
    case 'sanitise':
      sanitise(effect.sanitise, transaction)
      return
    case 'control':
      control(effect.ctl, transaction)
  }
}

function setVariable(
  effect: Extract<CompiledEffect, { kind: 'setvar' }>,
  transaction: Transaction,
): void {
  const { collection } = effect
  const name = effect.name.expand(transaction)
  const value = effect.value.expand(transaction)
  if (collection === 'TX') {
    transaction.tx.set(name, effect.apply(transaction.tx.get(name), value))
  } else if (collection === 'ENV') {
    transaction.environment ??= new Map()
    const result = effect.apply(transaction.environment.get(name), value)
    if (result === undefined) transaction.environment.delete(name)
    else if (transaction.environment.size < MAX_ENVIRONMENT) {
      transaction.environment.set(name, result)
    }
  } else {
    const record = transaction.records?.get(collection)
    if (record === undefined) return
    const before = record.get(name, transaction.nowMs)
    const isRelative = effect.apply === CHANGES.add || effect.apply === CHANGES.subtract
    record.set(name, effect.apply(before, value), transaction.nowMs, isRelative)
  }
}

/** `+E` adds, `-C` takes away, letters alone replace. */
function changedParts(before: string, change: string): string {
  const letters = change.replace(/^[+-]/, '')
  if (change.startsWith('+')) return before + letters
  if (change.startsWith('-')) return before.replaceAll(new RegExp(`[${letters}]`, 'g'), '')
  return letters
}

/** Names what the audit log must not show; whether there is one is found out later. */
function sanitise(what: Sanitise, transaction: Transaction): void {
  transaction.secrets ??= []
  if (transaction.secrets.length >= MAX_SECRETS) return
  const bytes = what.what === 'matched-bytes' ? what : null
  switch (what.what) {
    case 'argument':
      transaction.secrets.push({ variable: `ARGS:${what.name.toLowerCase()}`, bytes: null })
      return
    case 'request-header':
      transaction.secrets.push({
        variable: `REQUEST_HEADERS:${what.name.toLowerCase()}`,
        bytes: null,
      })
      return
    case 'response-header':
      transaction.secrets.push({
        variable: `RESPONSE_HEADERS:${what.name.toLowerCase()}`,
        bytes: null,
      })
      return
    case 'matched':
    case 'matched-bytes': {
      const variable = nameInLowerCase(transaction.matchedVariable?.name ?? '')
      const found = transaction.tx.slots[0] ?? ''
      transaction.secrets.push({
        variable,
        bytes:
          bytes === null || found === ''
            ? null
            : { text: found, keepFirst: bytes.keepFirst, keepLast: bytes.keepLast },
      })
    }
  }
}

function nameInLowerCase(variable: string): string {
  const colon = variable.indexOf(':')
  return colon < 0 ? variable : variable.slice(0, colon) + variable.slice(colon).toLowerCase()
}

function control(ctl: Ctl, transaction: Transaction): void {
  switch (ctl.kind) {
    case 'rule-engine':
      // The chain's mode is the upper bound: rules may make the engine milder, not stricter.
      if (ctl.mode !== 'on') transaction.engine = ctl.mode
      else if (transaction.configuration.mode === 'block') transaction.engine = 'on'
      else transaction.engine = 'detection-only'
      return
    case 'request-body-processor':
      transaction.processor = ctl.processor
      return
    case 'force-request-body-variable':
      transaction.forcesRequestBody = ctl.on
      return
    case 'request-body-access':
      transaction.requestBodyAccess = ctl.on
      return
    case 'request-body-limit':
      transaction.requestBodyLimit = ctl.bytes
      return
    case 'response-body-access':
      transaction.responseBodyAccess = ctl.on
      return
    case 'response-body-limit':
      transaction.responseBodyLimit = ctl.bytes
      return
    case 'audit-engine':
      transaction.auditEngine = ctl.mode
      return
    case 'audit-log-parts':
      transaction.auditParts = changedParts(transaction.auditParts, ctl.parts.toUpperCase())
      return
    case 'debug-log-level':
    case 'remove-rules':
    case 'remove-targets':
      return
  }
}
