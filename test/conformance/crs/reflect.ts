import { STATUS_CODES } from 'node:http'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'

/** What the server behind is told to answer. */
export interface ReflectedAnswer {
  /** Null: 200. */
  readonly status: number | null
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

const EMPTY: ReflectedAnswer = { status: 200, headers: [], body: Buffer.alloc(0) }

/**
 * The server of CRS's test setup: `POST /reflect` answers as the request's JSON says, everything else
 * with an empty 200.
 *
 * @param body of the request, decoded
 * @returns bytes of the answer
 */
export function reflect(transaction: HttpTransaction, body: Buffer): Buffer {
  const { method, target } = transaction.request
  const isReflection = method === 'POST' && /^\/reflect(?:[/?]|$)/.test(target)
  return answerBytes(isReflection ? specified(body) : EMPTY, method)
}

function specified(body: Buffer): ReflectedAnswer {
  const bad = (reason: string): ReflectedAnswer => ({
    status: 400,
    headers: [],
    body: Buffer.from(reason),
  })
  let spec: {
    status?: number
    headers?: Record<string, string>
    body?: string
    encodedBody?: string
  }
  try {
    spec = JSON.parse(body.toString('utf8')) as typeof spec
  } catch {
    return bad('Invalid JSON in request body')
  }
  const status = spec.status ?? 0
  if ((status > 0 && status < 100) || status >= 600) return bad(`Invalid status code: ${status}`)
  const text = spec.body ?? ''
  return {
    status: status || null,
    headers: Object.entries(spec.headers ?? {}),
    body: text === '' ? Buffer.from(spec.encodedBody ?? '', 'base64') : Buffer.from(text),
  }
}

/** @param method of the request: the answer to HEAD ends with its head */
export function answerBytes(answer: ReflectedAnswer, method: string): Buffer {
  const status = answer.status ?? 200
  const hasType = answer.headers.some(([name]) => name.toLowerCase() === 'content-type')
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Status'}`,
    ...(answer.body.length > 0 && !hasType ? ['Content-Type: text/plain; charset=utf-8'] : []),
    ...answer.headers
      .filter(([name]) => name.toLowerCase() !== 'content-length')
      .map(([name, value]) => `${name}: ${value}`),
    ...(status === 204 || status < 200 ? [] : [`Content-Length: ${answer.body.length}`]),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  return method === 'HEAD' ? head : Buffer.concat([head, answer.body])
}
