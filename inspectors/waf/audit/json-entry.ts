import type { AuditEntry } from './audit-entry.ts'
import type { AuditHeader } from './masks.ts'

const MODES = { on: 'Enabled', off: 'Disabled', 'detection-only': 'DetectionOnly' } as const

/**
 * An entry in the JSON of ModSecurity 3 (`Transaction::toJSON`), one line. A character of the traffic is
 * a byte; all but printable ASCII is written as `\u00HH`.
 *
 * Parts take away what they stand for: B request fields, C (or I) request body, E response body, F
 * response fields, H messages; the rest is always there.
 */
export function jsonAuditEntry(entry: AuditEntry, parts: string): string {
  const has = (letter: string): boolean => parts.includes(letter)
  const { response, interception } = entry
  const body = has('I') ? entry.compactRequestBody : has('C') ? entry.requestBody : ''
  const transaction = {
    client_ip: entry.clientAddress,
    time_stamp: new Date(entry.startedAt).toUTCString(),
    client_port: entry.clientPort,
    host_ip: entry.serverAddress,
    host_port: entry.serverPort,
    unique_id: entry.id,
    request: {
      method: entry.method,
      http_version: entry.protocol.replace(/^HTTP\//, ''),
      uri: entry.target,
      ...(body === '' ? {} : { body }),
      ...(has('B') ? { headers: fields(entry.requestHeaders) } : {}),
      ...(has('J') && entry.files.length > 0 ? { files: entry.files } : {}),
    },
    ...(response === null
      ? {}
      : {
          response: {
            ...(has('E') && response.body !== '' ? { body: response.body } : {}),
            http_code: response.status,
            ...(has('F') ? { headers: fields(response.headers) } : {}),
          },
        }),
    ...(interception === null
      ? {}
      : { interception: { phase: interception.phase, http_code: interception.status } }),
    producer: {
      modsecurity: 'Portcullis',
      secrules_engine: MODES[entry.engine],
      components: entry.components,
    },
    ...(has('H') || has('K') ? { messages: entry.messages.map(messageObject) } : {}),
  }
  return `${ascii(JSON.stringify({ transaction }))}\n`
}

function messageObject(message: AuditEntry['messages'][number]) {
  return {
    message: message.message,
    details: {
      match: message.variable === '' ? '' : `${message.variable}: ${message.matched}`,
      ruleId: String(message.id),
      file: message.file,
      lineNumber: String(message.line),
      data: message.data,
      severity: message.severity === null ? '' : String(message.severity),
      ver: message.ver,
      rev: message.rev,
      phase: message.phase,
      tags: message.tags,
    },
  }
}

/** Values of a field that occurs again are told as a list. */
function fields(headers: readonly AuditHeader[]): Record<string, string | string[]> {
  const record = Object.create(null) as Record<string, string | string[]>
  for (const { name, value } of headers) {
    const known = record[name]
    if (known === undefined) record[name] = value
    else record[name] = typeof known === 'string' ? [known, value] : [...known, value]
  }
  return record
}

function ascii(json: string): string {
  return json.replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
