import { randomBytes } from 'node:crypto'
import type { AuditEntry, AuditMessage } from './audit-entry.ts'
import { escapeBytes, escapeQuoted } from './escape.ts'
import type { AuditHeader } from './masks.ts'

const SEVERITIES = 'EMERGENCY ALERT CRITICAL ERROR WARNING NOTICE INFO DEBUG'.split(' ')
const MODES = { on: 'ENABLED', off: 'DISABLED', 'detection-only': 'DETECTION_ONLY' } as const
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/**
 * An entry of ModSecurity's native audit log.
 *
 * ```
 * entry = *( "--" boundary "-" LETTER "--" LF *( line LF ) LF )      ; A first, Z last
 * ```
 *
 * Parts: A header, B request head, C request body, E response body, F response head, H trailer, I request
 * body without files, J files, K rules that matched, Z end. D and G are reserved and never written. Text
 * of the traffic is escaped, a body is one line: no request can write a boundary.
 *
 * @see ModSecurity 2 Data Formats, Audit Log
 */
export function nativeAuditEntry(entry: AuditEntry, parts: string): string {
  const boundary = randomBytes(4).toString('hex')
  const lines: string[] = []
  const part = (letter: string, content: readonly string[]): void => {
    lines.push(`--${boundary}-${letter}--`, ...content, '')
  }
  const has = (letter: string): boolean => parts.includes(letter)
  const { response } = entry
  part('A', [
    `[${clock(entry.startedAt)}] ${escapeBytes(entry.id)} ${entry.clientAddress} ${entry.clientPort} ${entry.serverAddress} ${entry.serverPort}`,
  ])
  if (has('B')) {
    const line = escapeBytes(`${entry.method} ${entry.target} ${entry.protocol}`)
    part('B', [line, ...headerLines(entry.requestHeaders)])
  }
  if (has('I')) {
    if (entry.compactRequestBody !== '') part('I', [escapeBytes(entry.compactRequestBody)])
  } else if (has('C') && entry.requestBody !== '') part('C', [escapeBytes(entry.requestBody)])
  if (response !== null && has('E') && response.body !== '') part('E', [escapeBytes(response.body)])
  if (response !== null && has('F')) {
    const line = escapeBytes(`${response.protocol} ${response.status} ${response.reason}`)
    part('F', [line, ...headerLines(response.headers)])
  }
  if (has('H')) part('H', trailer(entry))
  if (has('J') && entry.files.length > 0) {
    part('J', [
      ...entry.files.map(
        ({ name, fileName, bytes }, index) =>
          `${index + 1},${bytes},"${escapeQuoted(name)}","${escapeQuoted(fileName)}"`,
      ),
      `Total,${entry.files.reduce((sum, file) => sum + file.bytes, 0)}`,
    ])
  }
  if (has('K')) part('K', entry.messages.map(ruleLine))
  part('Z', [])
  return `${lines.join('\n')}\n`
}

function headerLines(headers: readonly AuditHeader[]): string[] {
  return headers.map(({ name, value }) => `${escapeBytes(name)}: ${escapeBytes(value)}`)
}

function trailer(entry: AuditEntry): string[] {
  const { interception } = entry
  const messages = entry.messages.map((message) => {
    const isDenied = message.isDecisive && interception !== null
    const what = isDenied
      ? `Access denied with ${interception.status === null ? 'connection close' : `code ${interception.status}`} (phase ${message.phase})`
      : 'Warning'
    const where = message.variable === '' ? 'Match' : `Match at ${escapeBytes(message.variable)}`
    return `Message: ${what}. ${where}. ${messageFields(message)}`
  })
  const action = interception === null ? [] : [`Action: Intercepted (phase ${interception.phase})`]
  const producer = ['Portcullis', ...entry.components].map(escapeBytes).join('; ')
  return [
    ...messages,
    ...action,
    `Stopwatch: ${entry.startedAt * 1000} ${Math.max(0, Math.round((Date.now() - entry.startedAt) * 1000))} (- - -)`,
    `Producer: ${producer}.`,
    `Engine-Mode: "${MODES[entry.engine]}"`,
  ]
}

function ruleLine(message: AuditMessage): string {
  return `${message.variable === '' ? 'SecAction' : escapeBytes(message.variable)} ${messageFields(message)}`
}

function messageFields(message: AuditMessage): string {
  const fields: string[] = []
  const add = (name: string, value: string): void => {
    if (value !== '') fields.push(`[${name} "${escapeQuoted(value)}"]`)
  }
  add('file', message.file)
  add('line', String(message.line))
  add('id', String(message.id))
  add('rev', message.rev)
  add('msg', message.message)
  add('data', message.data)
  add('severity', message.severity === null ? '' : SEVERITIES[message.severity])
  add('ver', message.ver)
  for (const tag of message.tags) add('tag', tag)
  return fields.join(' ')
}

/** `22/Nov/2026:14:08:08.123456 +0000` in UTC. */
function clock(ms: number): string {
  const date = new Date(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  return `${day}:${time}.${String(date.getUTCMilliseconds()).padStart(3, '0')}000 +0000`
}
