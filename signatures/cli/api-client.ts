import { request } from 'undici'
import type { RuleCheckReport } from '#signatures/check/rule-report.ts'
import type { RuleSet } from '#chain/model/rule-set.ts'
import type { ApiEndpoint } from '#signatures/config.ts'
import { SignatureError } from '#signatures/errors.ts'
import { printable } from './printable.ts'

/** Answer to an upload. */
export interface UploadAnswer extends Pick<
  RuleCheckReport,
  'accepted' | 'rejected' | 'rejections'
> {
  readonly name: string
  readonly version: string
  readonly sha256: string
}

/** Answer to an activation or a rollback. */
export interface SwitchAnswer extends RuleSet {
  readonly state: 'realized' | 'pending'
  readonly pending: readonly string[]
}

/** Longest answer that is read; a time without a byte after which a server counts as gone. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
const SILENCE_MS = 120_000
const UPLOAD_PIECE_BYTES = 65_536
/** How long `--wait` waits: on every host, workers are replaced one after the other. */
const REALIZE_SECONDS = 100
/** Reasons of a refusal that are printed. */
const MAX_REASONS = 20

/** The manager's API as this CLI needs it. */
export class ApiClient {
  readonly #endpoint: ApiEndpoint
  readonly #signal: AbortSignal

  constructor(endpoint: ApiEndpoint, signal: AbortSignal) {
    this.#endpoint = endpoint
    this.#signal = signal
  }

  /** @param sent told how many bytes are on their way */
  async upload(name: string, bundle: Buffer, sent: (bytes: number) => void): Promise<UploadAnswer> {
    const path = `/v1/rule-sets/${encodeURIComponent(name)}/versions`
    const headers = { 'content-type': 'application/gzip', 'content-length': String(bundle.length) }
    return (await this.#call('POST', path, headers, pieces(bundle, sent))) as UploadAnswer
  }

  async list(): Promise<RuleSet[]> {
    const all: RuleSet[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`
      const page = (await this.#call('GET', `/v1/rule-sets${query}`)) as {
        readonly items: readonly RuleSet[]
        readonly next_cursor?: string | null
      }
      all.push(...page.items)
      cursor = page.next_cursor ?? null
    } while (cursor !== null)
    return all
  }

  async activate(name: string, version: string, wait: boolean): Promise<SwitchAnswer> {
    return this.#switch(name, 'activate', wait, JSON.stringify({ version }))
  }

  async rollback(name: string, wait: boolean): Promise<SwitchAnswer> {
    return this.#switch(name, 'rollback', wait)
  }

  async #switch(
    name: string,
    verb: string,
    wait: boolean,
    body: string | null = null,
  ): Promise<SwitchAnswer> {
    const query = wait ? `?wait=realized&timeout=${REALIZE_SECONDS}` : ''
    const path = `/v1/rule-sets/${encodeURIComponent(name)}/${verb}${query}`
    const headers: Record<string, string> =
      body === null ? {} : { 'content-type': 'application/json' }
    return (await this.#call('POST', path, headers, body)) as SwitchAnswer
  }

  async #call(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body: string | AsyncIterable<Buffer> | null = null,
  ): Promise<unknown> {
    const { url, token } = this.#endpoint
    const answer = await this.#send(url + path, {
      method,
      headers: { ...headers, authorization: `Bearer ${token}`, accept: 'application/json' },
      body: body as string | null,
    })
    const { status, text } = answer
    const content = parse(text)
    if (status >= 200 && status < 300 && content !== undefined) return content
    throw new SignatureError('API_REFUSED', `${refusal(content)} (${url} answered ${status})`)
  }

  async #send(
    url: string,
    options: NonNullable<Parameters<typeof request>[1]>,
  ): Promise<{ readonly status: number; readonly text: string }> {
    try {
      const response = await request(url, {
        ...options,
        signal: this.#signal,
        headersTimeout: SILENCE_MS,
        bodyTimeout: SILENCE_MS,
      })
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of response.body) {
        bytes += (chunk as Buffer).length
        if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer is too long')
        chunks.push(chunk as Buffer)
      }
      return { status: response.statusCode, text: Buffer.concat(chunks).toString('utf8') }
    } catch (cause) {
      if (this.#signal.aborted) throw new SignatureError('INTERRUPTED', 'interrupted', { cause })
      const { message, code } = cause as NodeJS.ErrnoException
      const why = message === '' ? (code ?? 'no reason given') : message
      throw new SignatureError('API_UNREACHABLE', `${this.#endpoint.url}: ${why}`, { cause })
    }
  }
}

async function* pieces(bundle: Buffer, sent: (bytes: number) => void): AsyncIterable<Buffer> {
  for (let at = 0; at < bundle.length; at += UPLOAD_PIECE_BYTES) {
    yield bundle.subarray(at, at + UPLOAD_PIECE_BYTES)
    sent(Math.min(at + UPLOAD_PIECE_BYTES, bundle.length))
  }
}

/** Text of a problem (RFC 9457): its detail, and each of its errors on a line of its own. */
function refusal(problem: unknown): string {
  if (typeof problem !== 'object' || problem === null || !('detail' in problem)) {
    return 'the answer is not one of the Portcullis API'
  }
  const detail = printable(String(problem.detail))
  const errors = 'errors' in problem && Array.isArray(problem.errors) ? problem.errors : []
  const reasons = (errors as { readonly detail?: unknown }[])
    .slice(0, MAX_REASONS)
    .map((error) => printable(String(error.detail)))
    .filter((reason) => !detail.includes(reason))
  return [detail, ...reasons.map((reason) => `  ${reason}`)].join('\n')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
