import type { PersistentCollection } from '#signatures/seclang/model.ts'
import { Entry, NO_ENTRIES } from '../values/entry.ts'
import { type CollectionSource, scalar } from './collection.ts'
import type { Transaction } from './transaction.ts'

/** Variables that rules write to, or that change with each rule. */
export const STATE_COLLECTIONS: CollectionSource = {
  TX: ({ tx }) => tx.entries(),
  ENV: ({ environment }) =>
    environment === null
      ? NO_ENTRIES
      : [...environment].map(([name, value]) => new Entry(name, value)),
  GLOBAL: persistent('GLOBAL'),
  IP: persistent('IP'),
  SESSION: persistent('SESSION'),
  USER: persistent('USER'),
  RESOURCE: persistent('RESOURCE'),
  MATCHED_VAR: ({ matchedVariable }) => scalar(matchedVariable?.value ?? ''),
  MATCHED_VAR_NAME: ({ matchedVariable }) => scalar(matchedVariable?.name ?? ''),
  MATCHED_VARS: ({ matchedVariables }) =>
    matchedVariables.map((variable) => new Entry(variable.name, variable.value)),
  MATCHED_VARS_NAMES: ({ matchedVariables }) =>
    matchedVariables.map((variable) => new Entry(variable.name, variable.name)),
  HIGHEST_SEVERITY: ({ highestSeverity }) => scalar(String(highestSeverity)),
  DURATION: ({ nowMs }) => scalar(String(Math.max(0, Math.round((Date.now() - nowMs) * 1000)))),
  REQBODY_PROCESSOR: ({ processor }) => scalar(processor ?? ''),
  SESSIONID: ({ records }) => scalar(records?.get('SESSION')?.key ?? ''),
  USERID: ({ records }) => scalar(records?.get('USER')?.key ?? ''),
  MSC_PCRE_LIMITS_EXCEEDED: () => scalar('0'),
  RULE: () => NO_ENTRIES,
}

function persistent(collection: PersistentCollection): CollectionSource[string] {
  return ({ records, nowMs }: Transaction) => records?.get(collection)?.entries(nowMs) ?? NO_ENTRIES
}
