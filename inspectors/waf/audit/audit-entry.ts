import type { Transaction } from '../transaction/transaction.ts'
import type { RuleHit } from '../transaction/rule-hit.ts'
import { type AuditHeader, Masks } from './masks.ts'

/** Most bytes of a body that an entry quotes, and most headers of a message. */
export const MAX_AUDIT_BODY_BYTES = 65_536
export const MAX_AUDIT_HEADERS = 200

/** What is told of one transaction, values of `sanitise...` actions masked. All text is latin1. */
export interface AuditEntry {
  readonly id: string
  readonly startedAt: number
  readonly clientAddress: string
  readonly clientPort: number
  readonly serverAddress: string
  readonly serverPort: number
  readonly method: string
  readonly target: string
  readonly protocol: string
  readonly requestHeaders: readonly AuditHeader[]
  /** As it was inspected: coded bodies are readable here. */
  readonly requestBody: string
  /** In the form of part I: a multipart body without its files. */
  readonly compactRequestBody: string
  readonly files: readonly { readonly name: string; readonly fileName: string; bytes: number }[]
  /** Null: the client got no answer of the server. */
  readonly response: {
    readonly protocol: string
    readonly status: number
    readonly reason: string
    readonly headers: readonly AuditHeader[]
    /** Empty where it was not inspected. */
    readonly body: string
  } | null
  /** The phase in which a rule ended the transaction, and the status the client got; null: none did. */
  readonly interception: { readonly phase: number; readonly status: number | null } | null
  readonly engine: 'on' | 'off' | 'detection-only'
  readonly messages: readonly AuditMessage[]
  readonly components: readonly string[]
}

export interface AuditMessage {
  readonly id: number
  readonly phase: number
  readonly file: string
  readonly line: number
  readonly rev: string
  readonly ver: string
  readonly severity: number | null
  readonly message: string
  readonly data: string
  readonly tags: readonly string[]
  /** The first variable that matched, and what of it. */
  readonly variable: string
  readonly matched: string
  readonly isDecisive: boolean
}

/** Puts together what is known of a transaction at its end. */
export function auditEntry(transaction: Transaction, components: readonly string[]): AuditEntry {
  const { http, connection, hits } = transaction
  const masks = new Masks(transaction)
  const { request, response } = http
  const requestBody = masks.requestBody(transaction.requestBody.latin1)
  return {
    id: http.id,
    startedAt: http.startedAt,
    clientAddress: connection.clientAddress,
    clientPort: connection.clientPort,
    serverAddress: connection.serverAddress,
    serverPort: connection.serverPort,
    method: request.method,
    target: masks.target(request.target),
    protocol: request.protocol,
    requestHeaders: masks.headers('REQUEST_HEADERS', request.headers.slice(0, MAX_AUDIT_HEADERS)),
    requestBody: requestBody.slice(0, MAX_AUDIT_BODY_BYTES),
    compactRequestBody: compactBody(transaction, masks, requestBody),
    files: transaction.files.map(({ name, fileName, content }) => ({
      name,
      fileName,
      bytes: content.length,
    })),
    response:
      response === null
        ? null
        : {
            protocol: response.protocol,
            status: response.status,
            reason: response.reason,
            headers: masks.headers(
              'RESPONSE_HEADERS',
              response.headers.slice(0, MAX_AUDIT_HEADERS),
            ),
            body: masks.responseBody(transaction.responseBodyLatin1).slice(0, MAX_AUDIT_BODY_BYTES),
          },
    interception: interceptionOf(transaction),
    engine: transaction.engine,
    messages: hits.filter((hit) => hit.rule.auditlog).map((hit) => messageOf(hit, masks)),
    components,
  }
}

/** Status that the client got; null when it got none. */
export function statusOf(transaction: Transaction): number | null {
  const interception = interceptionOf(transaction)
  if (interception !== null) return interception.status
  return transaction.http.response?.status ?? null
}

function interceptionOf({ interception, engine, hits }: Transaction): AuditEntry['interception'] {
  if (interception === null || engine !== 'on') return null
  const phase = hits.find((hit) => hit.isDecisive)?.rule.phase ?? 2
  return { phase, status: interception.kind === 'drop' ? null : interception.status }
}

function compactBody(transaction: Transaction, masks: Masks, body: string): string {
  if (transaction.processor !== 'MULTIPART') return body.slice(0, MAX_AUDIT_BODY_BYTES)
  const pairs = transaction.bodyArguments.map(
    (entry) => `${encode(entry.name)}=${encode(masks.argument(entry.nameLower, entry.value))}`,
  )
  return pairs.join('&').slice(0, MAX_AUDIT_BODY_BYTES)
}

function encode(latin1: string): string {
  return latin1.replaceAll(
    /[^A-Za-z0-9_.~*-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

function messageOf(hit: RuleHit, masks: Masks): AuditMessage {
  const { rule, matches } = hit
  const colon = rule.source.lastIndexOf(':')
  const match = matches.at(0)
  return {
    id: rule.id,
    phase: rule.phase,
    file: colon < 0 ? rule.source : rule.source.slice(0, colon),
    line: colon < 0 ? 0 : Number(rule.source.slice(colon + 1)) || 0,
    rev: rule.rev,
    ver: rule.ver ?? '',
    severity: rule.severity,
    message: masks.text(hit.msg),
    data: masks.text(hit.logdata),
    tags: rule.tags,
    variable: match?.variable ?? '',
    matched: match === undefined ? '' : masks.text(match.valueLatin1),
    isDecisive: hit.isDecisive,
  }
}
