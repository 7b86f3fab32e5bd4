import type { Disruptive } from '#signatures/seclang/model.ts'
import type { Interception } from '../transaction/transaction.ts'

/** Longest address that a client is sent to, in bytes. */
const MAX_LOCATION = 2048

/** What a disruptive action makes of a transaction. */
export function interceptionOf(disruptive: Disruptive, status: number): Interception {
  if (disruptive.kind === 'drop') return { kind: 'drop' }
  if (disruptive.kind !== 'redirect') return { kind: 'deny', status }
  const isRedirect = status >= 300 && status < 400
  return {
    kind: 'redirect',
    status: isRedirect ? status : 302,
    location: disruptive.location.slice(0, MAX_LOCATION),
  }
}
