import type { AlertEvent } from '../chain/hop.ts'
import { headerValue } from '../http/transaction.ts'

const SEVERITIES = ['EMERGENCY', 'CRITICAL', 'WARNING', 'NOTICE'] as const
const MAX_FIELD_CHARACTERS = 2_048

/**
 * One line as ModSecurity v2 writes it to Apache's error log, without its line end: what go-ftw and
 * people's own scripts look for is the `[id "..."]` and `[msg "..."]` in it.
 */
export function errorLogLine(event: AlertEvent, now: number, pid: number): string {
  const { alert, connection, transaction, verdict, context } = event
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
  for (const tag of alert.tags ?? []) add('tag', tag)
  if (transaction !== null) {
    add('hostname', headerValue(transaction.request.headers, 'host') ?? connection.serverAddress)
    add('uri', transaction.request.target)
  }
  add('unique_id', transaction?.id ?? connection.id)
  const isBlocked = verdict === 'blocked' || verdict === 'dropped'
  const what = isBlocked && alert.decisive ? 'Access denied' : 'Warning'
  const match = alert.matches.at(0)
  const where = match === undefined ? 'Match' : `Match at ${escaped(match.variable)}`
  const phase = alert.phase === undefined ? '' : ` (phase ${alert.phase})`
  const time = new Date(now).toISOString()
  return `[${time}] [${context.inspector}:error] [pid ${pid}] [client ${connection.clientAddress}:${connection.clientPort}] ModSecurity: ${what}${phase}. ${where}. ${fields.join(' ')}`
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
