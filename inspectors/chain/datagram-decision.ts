import type { Decision } from './decision.ts'

/**
 * Drops that mean something of their own where there is no connection to reset; elsewhere a drop is a drop.
 * Told apart by identity.
 */

/** This datagram alone. */
export const DROP_DATAGRAM: Decision = Object.freeze({ kind: 'drop' })
/** A hop with `onFailure: closed` could not do its work, and is out of the fold. */
export const FAILED_CLOSED: Decision = Object.freeze({ kind: 'drop' })
