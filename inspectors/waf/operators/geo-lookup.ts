import { neverMatches } from './never-matches.ts'

/**
 * `@geoLookup`: would find the country of an address. There is no database of them here.
 *
 * @see ModSecurity Reference Manual v2, Operators, geoLookup
 */
export const geoLookup = neverMatches('geoLookup', 'there is no geographic database')
