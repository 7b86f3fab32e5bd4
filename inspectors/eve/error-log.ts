import type { AlertEvent } from '../chain/hop.ts'
import { headerValue } from '../http/transaction.ts'

/** EVE severities 1 to 4 as the levels of which they are made. */
const SEVERITIES = ['CRITICAL', 'ERROR', 'WARNING', 'NOTICE'] as const
const MAX_FIELD_CHARACTERS = 2_048
const DAYS = 'Sun Mon Tue Wed Thu Fri Sat'.split(' ')
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/**
 * One line as ModSecurity v2 writes it to the error log of Apache 2.4, without its line end:
 *
 *     [TIME] [security2:error] [pid N] [client IP:PORT] ModSecurity: WHAT. WHERE. [file "F"] [line "N"]
 *     [id "N"] [msg "..."] [data "..."] ... [unique_id "..."]
 *
 * WHAT is `Warning` or, for the rule that decided, `Access denied with code N (phase N)`. go-ftw looks
 * for the ids, fail2ban for the code.
 *
 * @param now milliseconds since the epoch; the line has UTC
 */
export function errorLogLine(event: AlertEvent, now: number, pid: number): string {
  const { alert, connection, transaction, context } = event
  const fields: string[] = []
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') fields.push(`[${name} "${escaped(value)}"]`)
  }
  const colon = alert.source.lastIndexOf(':')
  add('file', colon === -1 ? alert.source : alert.source.slice(0, colon))
  add('line', colon === -1 ? undefined : alert.source.slice(colon + 1))
  add('id', String(alert.signatureId))
  add('rev', String(alert.rev))
  add('msg', alert.message)
  add('data', alert.logdata)
  add('severity', SEVERITIES[alert.severity - 1] ?? 'NOTICE')
  add('ver', alert.metadata.ver?.[0])
  for (const tag of alert.tags ?? []) add('tag', tag)
  if (transaction !== null) {
    add('hostname', headerValue(transaction.request.headers, 'host') ?? connection.serverAddress)
    const target = alert.quoted?.target ?? transaction.request.target
    add('uri', target.replace(/\?.*$/s, ''))
  }
  add('unique_id', transaction?.id ?? connection.id)
  const match = alert.matches.at(0)
  const where = match === undefined ? 'Match' : `Match at ${escaped(match.variable)}`
  const module = context.inspector === 'waf' ? 'security2' : context.inspector
  return `[${apacheTime(now)}] [${module}:error] [pid ${pid}] [client ${connection.clientAddress}:${connection.clientPort}] ModSecurity: ${outcome(event)}. ${where}. ${fields.join(' ')}`
}

function outcome({ alert, verdict, status }: AlertEvent): string {
  const phase = alert.phase === undefined ? '' : ` (phase ${alert.phase})`
  if (alert.decisive && verdict === 'dropped') return `Access denied with connection close${phase}`
  if (alert.decisive && verdict === 'blocked' && status !== undefined) {
    return `Access denied with code ${status}${phase}`
  }
  return 'Warning'
}

/** `Sun Nov 22 13:55:29.123000 2026` */
function apacheTime(now: number): string {
  const time = new Date(now)
  const clock = time.toISOString().slice(11, 23)
  const day = String(time.getUTCDate()).padStart(2, '0')
  return `${DAYS[time.getUTCDay()]} ${MONTHS[time.getUTCMonth()]} ${day} ${clock}000 ${time.getUTCFullYear()}`
}

/** Quotes, backslashes and all but printable ASCII: payload never writes to a terminal or forges a line. */
function escaped(text: string): string {
  return text
    .slice(0, MAX_FIELD_CHARACTERS)
    .replaceAll(/["\\]/g, String.raw`\$&`)
    .replaceAll(
      /[^\x20-\x7e]/g,
      (character) => String.raw`\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
}
