import { request } from 'undici'
import { CliError, type ExitKind } from './cli-error.ts'
import type { Connection } from './config.ts'

/** Longest answer that is read, in bytes. */
const MAX_ANSWER_BYTES = 67_108_864
/** Longer than the API's longest wait. */
const ANSWER_TIMEOUT_MS = 150_000

export interface Call {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: object
}

interface ProblemBody {
  readonly code?: string
  readonly title?: string
  readonly detail?: string
  readonly request_id?: string
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[]
}

/** The API as the commands use it. Refusals become CliErrors that say what, where and why. */
export class ApiClient {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** @returns the answer's JSON; null for 204 */
  async call<T>({ method = 'GET', path, query = {}, body }: Call): Promise<T> {
    const response = await this.#send(path, query, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      headersTimeout: ANSWER_TIMEOUT_MS,
    })
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of response.body) {
      bytes += (chunk as Buffer).length
      if (bytes > MAX_ANSWER_BYTES) throw new CliError('failure', 'the answer is too long')
      chunks.push(chunk as Buffer)
    }
    const text = Buffer.concat(chunks).toString('utf8')
    if (response.statusCode >= 400) throw refusal(response.statusCode, text)
    return (text === '' ? null : parseJson(text)) as T
  }

  /** All pages of a list. */
  async list<T>(path: string, query: Call['query'] = {}, limit = Infinity): Promise<T[]> {
    const items: T[] = []
    let cursor: string | undefined
    do {
      const size = String(Math.min(limit - items.length, 500))
      const page: { items: T[]; next_cursor: string | null } = await this.call({
        path,
        query: { ...query, limit: size, cursor },
      })
      items.push(...page.items)
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined && items.length < limit)
    return items
  }

  /** A stream of server-sent events as raw chunks. */
  async stream(path: string, query: Call['query'], lastEventId: string | null) {
    const response = await this.#send(path, query ?? {}, {
      method: 'GET',
      body: null,
      headers: {
        accept: 'text/event-stream',
        ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
      },
      headersTimeout: 10_000,
    })
    if (response.statusCode >= 400) throw refusal(response.statusCode, await response.body.text())
    return response.body
  }

  async #send(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    options: {
      method: string
      body: string | null
      headers: Record<string, string>
      headersTimeout: number
    },
  ) {
    const url = new URL(this.#connection.url + path)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value)
    }
    try {
      return await request(url, {
        ...options,
        // An idle stream has a heartbeat every 15 seconds.
        bodyTimeout: 60_000,
        headers: { ...options.headers, authorization: `Bearer ${this.#connection.token}` },
      })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw new CliError(
        'network',
        `the API at ${this.#connection.url} cannot be reached: ${code ?? message}`,
        'is `portcullis up` (or manager) running? --url says where',
      )
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CliError('network', 'what answers there is not the Portcullis API', 'check --url')
  }
}

const KINDS: Readonly<Record<string, ExitKind>> = {
  'not-realized': 'pending',
  'rule-set-refused': 'rejected',
  unavailable: 'network',
}
const HINTS: Readonly<Record<string, string>> = {
  unauthenticated: 'say another --token-file',
  'not-found': 'list what there is; an operator may have to say --tenant',
  'not-realized': 'it is stored and goes on by itself: portcullis status --watch',
  'precondition-failed': 'somebody changed it: look again and repeat',
  unavailable: 'try again in a moment',
}

function refusal(status: number, text: string): CliError {
  let problem: ProblemBody = {}
  try {
    problem = JSON.parse(text) as ProblemBody
  } catch {
    return new CliError('network', `the API answered ${status} without a reason`, 'check --url')
  }
  const code = problem.code ?? ''
  const lines = [`${problem.title ?? `status ${status}`}: ${problem.detail ?? ''}`]
  for (const { pointer, detail } of problem.errors ?? []) {
    if (!(problem.detail ?? '').includes(detail)) lines.push(`  ${pointer || '/'}: ${detail}`)
  }
  const kind = Object.hasOwn(KINDS, code) ? KINDS[code] : 'failure'
  const hint = Object.hasOwn(HINTS, code) ? HINTS[code] : ''
  const id = problem.request_id === undefined ? '' : ` (request ${problem.request_id})`
  return new CliError(kind, lines.join('\n') + (code === 'internal' ? id : ''), hint)
}
