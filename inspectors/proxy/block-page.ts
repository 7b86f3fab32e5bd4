import { STATUS_CODES } from 'node:http'
import { REQUEST_ID_HEADER } from '#chain/model/eve-values.ts'
import { headerValue, type HttpTransaction } from '../http/transaction.ts'

/**
 * The answer that takes the place of the server's. It shows the id that finds the alert and nothing the
 * client sent, so there is nothing to escape.
 */
export interface BlockAnswer {
  readonly status: number
  /** For redirects. */
  readonly location?: string
  /** hyperid: base64url characters. */
  readonly requestId: string
  /** `Connection` field; null: the connection goes on without saying so. */
  readonly connection: 'close' | 'keep-alive' | null
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * @param transaction null where the request could not be read
 * @returns head and body as they go on the wire, ASCII
 */
export function blockPage(answer: BlockAnswer, transaction: HttpTransaction | null): string {
  const isRedirect = REDIRECTS.has(answer.status) && answer.location !== undefined
  const status = answer.status >= 200 && answer.status <= 599 ? answer.status : 403
  const reason = STATUS_CODES[status] ?? 'Blocked'
  const isJson = transaction !== null && wantsJson(transaction)
  const body = isRedirect
    ? ''
    : isJson
      ? problem(status, reason, answer)
      : html(status, reason, answer)
  const location = isRedirect
    ? `location: ${(answer.location ?? '').replaceAll(/[^\x21-\x7e]/g, '')}\r\n`
    : ''
  const type = isJson ? 'application/problem+json' : 'text/html; charset=utf-8'
  const connection = answer.connection === null ? '' : `connection: ${answer.connection}\r\n`
  const head = `HTTP/1.1 ${status} ${reason}\r\n${location}content-type: ${type}\r\ncontent-length: ${body.length}\r\ncache-control: no-store\r\n${REQUEST_ID_HEADER}: ${answer.requestId}\r\n${connection}\r\n`
  return transaction?.request.method === 'HEAD' ? head : head + body
}

/** JSON only where the client asks for it and does not also take HTML (browsers take anything). */
function wantsJson(transaction: HttpTransaction): boolean {
  const accept = headerValue(transaction.request.headers, 'accept')?.toLowerCase() ?? ''
  return /[/+]json\b/.test(accept) && !accept.includes('text/html')
}

function explain(status: number): string {
  return status < 500 && status !== 403 && status !== 406
    ? 'The request could not be accepted.'
    : 'The request or its answer was stopped by a security policy.'
}

function problem(status: number, reason: string, answer: BlockAnswer): string {
  return JSON.stringify({
    type: 'about:blank',
    title: reason,
    status,
    detail: `${explain(status)} Quote the request id when you ask about it.`,
    requestId: answer.requestId,
  })
}

function html(status: number, reason: string, answer: BlockAnswer): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>${status} ${reason}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:15vh auto;padding:0 1rem;color:#222;background:#fff}code{background:#eee;padding:.1em .3em;border-radius:3px;overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}code{background:#333}}</style>
<h1>${status} ${reason}</h1>
<p>${explain(status)}</p>
<p>If you think this is a mistake, tell the owner of the site this request id:<br><code>${answer.requestId}</code></p>
</html>
`
}
