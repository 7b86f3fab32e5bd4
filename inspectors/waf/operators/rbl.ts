import { neverMatches } from './never-matches.ts'

/**
 * `@rbl`: would ask a block list over DNS. Inspection does not wait for the network.
 *
 * @see ModSecurity Reference Manual v2, Operators, rbl
 */
export const rbl = neverMatches('rbl', 'inspection asks no block list over the network')
