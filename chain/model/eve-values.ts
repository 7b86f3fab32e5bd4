/** Values that go with `eve.ts`, apart from it so that a worker loads no schemas. */

/** Alert records in one queue job, and bytes of one record; larger records are cut by the worker. */
export const MAX_BATCH_RECORDS = 200
export const MAX_RECORD_BYTES = 65_536

/** Suricata's own generator id, and the one that WAF alerts have so that ids cannot collide. */
export const GID_SURICATA = 1
export const GID_SECLANG = 88_001
/** Portcullis itself: bypass intervals, spool overflow, drift. */
export const GID_PORTCULLIS = 88_000

/** Header that carries the request id to the client, and the block page's. */
export const REQUEST_ID_HEADER = 'x-portcullis-request-id'

/** The second that a time was asked for last, and what its text begins with: records come close to one another. */
let newestSecond = Number.NaN
let newestText = ''

/**
 * EVE time: microseconds and numeric zone, which consumers want in place of `Z`.
 *
 * @param epochMs milliseconds since the epoch, fractions kept to microseconds
 */
export function eveTimestamp(epochMs: number): string {
  const micros = Math.round(epochMs * 1000)
  const second = Math.floor(micros / 1_000_000)
  if (second !== newestSecond) {
    newestText = new Date(second * 1000).toISOString().slice(0, 20)
    newestSecond = second
  }
  return `${newestText}${String(micros - second * 1_000_000).padStart(6, '0')}+0000`
}
