/** What `GET /v1/alerts` can ask for. Every member narrows; absent ones do not. */
export interface AlertFilter {
  readonly tenant?: string
  readonly port?: string
  readonly attachment?: string
  readonly chain?: string
  readonly inspector?: string
  /** Signature id (digits), or a part of the signature's text. */
  readonly signature?: string
  readonly verdict?: string
  readonly requestId?: string
  readonly source?: string
  /** Microseconds since the epoch, inclusive. */
  readonly sinceUs?: number
  /** Microseconds since the epoch, exclusive. */
  readonly untilUs?: number
}

/** Place in "newest first": alerts after it are older, or as old with a lower sequence number. */
export interface AlertPosition {
  readonly timeUs: number
  readonly seq: number
}

/** An SQL condition with its values, in order; values are bound, never written into the text. */
export interface Condition {
  readonly sql: string
  readonly values: readonly (string | number)[]
}

const COLUMNS = {
  tenant: 'tenant',
  port: 'port',
  attachment: 'attachment',
  chain: 'chain',
  inspector: 'inspector',
  verdict: 'verdict',
  requestId: 'request_id',
  source: 'src_ip',
} as const satisfies Partial<Record<keyof AlertFilter, string>>

/** `WHERE` of a filter; pure. */
export function conditionOf(filter: AlertFilter, before: AlertPosition | null): Condition {
  const parts: string[] = []
  const values: (string | number)[] = []
  const add = (sql: string, ...bound: (string | number)[]): void => {
    parts.push(sql)
    values.push(...bound)
  }
  for (const [field, column] of Object.entries(COLUMNS)) {
    const value = filter[field as keyof typeof COLUMNS]
    if (value !== undefined) add(`${column} = ?`, value)
  }
  if (filter.signature !== undefined) {
    if (/^[0-9]{1,15}$/.test(filter.signature)) add('signature_id = ?', Number(filter.signature))
    else add("signature LIKE ? ESCAPE '\\'", `%${escapeLike(filter.signature)}%`)
  }
  if (filter.sinceUs !== undefined) add('time_us >= ?', filter.sinceUs)
  if (filter.untilUs !== undefined) add('time_us < ?', filter.untilUs)
  if (before !== null) add('(time_us, seq) < (?, ?)', before.timeUs, before.seq)
  return { sql: parts.length === 0 ? '1' : parts.join(' AND '), values }
}

const escapeLike = (text: string): string => text.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)

const EVE_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)$/

/**
 * Microseconds since the epoch of an EVE timestamp or RFC 3339 time.
 *
 * @returns null when the text is neither
 */
export function timeUs(text: string): number | null {
  const match = EVE_TIME.exec(text)
  if (match === null) return null
  const [, seconds = '', fraction = '', zone = 'Z'] = match
  const withColon = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
  const ms = Date.parse(`${seconds}${withColon}`)
  return Number.isNaN(ms) ? null : ms * 1000 + Number(fraction.padEnd(6, '0'))
}
