import { request } from 'undici'
import type { AlertRecord } from '#chain/model/eve.ts'

/** A problem+json answer of the API, as an error that says what a person needs. */
export class ApiProblem extends Error {
  readonly status: number
  readonly problem: Readonly<Record<string, unknown>>

  constructor(method: string, path: string, status: number, text: string) {
    super(`${method} ${path}: ${status} ${text}`)
    this.name = 'ApiProblem'
    this.status = status
    let problem: Record<string, unknown> = {}
    try {
      problem = JSON.parse(text) as Record<string, unknown>
    } catch {
      // Not JSON: the message carries the text.
    }
    this.problem = problem
  }
}

/** The API as any client uses it. Answers above 299 reject with ApiProblem. */
export class ApiClient {
  readonly url: string
  readonly token: string

  constructor(url: string, token: string) {
    this.url = url
    this.token = token
  }

  async call(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    const isBytes = body instanceof Uint8Array
    const answer = await request(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined
          ? {}
          : { 'content-type': isBytes ? 'application/gzip' : 'application/json' }),
      },
      body: body === undefined ? null : isBytes ? body : JSON.stringify(body),
      headersTimeout: 60_000,
      bodyTimeout: 60_000,
    })
    const text = await answer.body.text()
    if (answer.statusCode > 299) throw new ApiProblem(method, path, answer.statusCode, text)
    return text === '' ? null : (JSON.parse(text) as unknown)
  }

  async alerts(query = ''): Promise<AlertRecord[]> {
    const page = (await this.call('GET', `/v1/alerts?limit=100${query}`)) as {
      items: AlertRecord[]
    }
    return page.items
  }
}
