import { randomUUID } from 'node:crypto'
import { ErrorLogReader } from './error-log.ts'
import { mismatch, type Mismatch } from './expectation.ts'
import type { FtwInput, FtwStage, FtwTest } from './ftw-test.ts'
import type { InspectedServer } from './inspected-server.ts'
import { type RawAnswer, sendRaw } from './raw-client.ts'
import { requestBytes } from './request-bytes.ts'
import { MARKER_HEADER } from './test-setup.ts'

/** A client that gets no answer in this time got an error. */
const ANSWER_TIMEOUT_MS = 3_000
const MARKER_TIMEOUT_MS = 2_000
const MAX_MARKER_TRIES = 5
const REDIRECTS: ReadonlySet<number | null> = new Set([300, 301, 302, 303, 307, 308])

export interface StageFailure extends Mismatch {
  readonly logLines: readonly string[]
}

/** What one stage of a test leaves to the next. */
interface Session {
  readonly cookies: Map<string, string>
  last: { readonly answer: RawAnswer; readonly host: string; readonly uri: string } | null
}

/** Runs the stages of tests, one request after the other. */
export class StageRunner {
  readonly #server: InspectedServer
  readonly #log: ErrorLogReader

  constructor(server: InspectedServer) {
    this.#server = server
    this.#log = new ErrorLogReader(server.errorLog)
  }

  close(): void {
    this.#log.close()
  }

  /**
   * @returns null when every stage led to what it expects
   * @throws when a marker does not reach the log: nothing can be judged then
   */
  async run(test: FtwTest): Promise<StageFailure | null> {
    const session: Session = { cookies: new Map(), last: null }
    for (const stage of test.stages) {
      let failure = await this.#runStage(stage, session)
      if (failure !== null && stage.output.retryOnce) failure = await this.#runStage(stage, session)
      if (failure !== null) return failure
    }
    return null
  }

  async #runStage({ input, output }: FtwStage, session: Session): Promise<StageFailure | null> {
    if (input.protocol.toLowerCase() !== 'http') {
      return { expected: `a ${input.protocol} connection`, got: 'HTTP only', logLines: [] }
    }
    let ready = input
    if (input.followsRedirect) {
      const redirected = followed(input, session)
      if (redirected === null) {
        return { expected: 'a redirect in the stage before', got: 'none', logLines: [] }
      }
      ready = redirected
    }
    for (const uri of ready.uris) {
      const cookie = [...session.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const { answer, logLines } = await this.#between(ready, requestBytes(ready, uri, cookie))
      session.last = { answer, host: hostOf(ready) ?? 'localhost', uri }
      if (ready.savesCookie) saveCookies(answer, session.cookies)
      const failure = mismatch(output, { status: answer.status, answer: answer.text, logLines })
      if (failure !== null) return { ...failure, logLines }
    }
    return null
  }

  /** Sends a request between two markers. */
  async #between(
    input: FtwInput,
    request: Buffer,
  ): Promise<{ readonly answer: RawAnswer; readonly logLines: readonly string[] }> {
    const { backend, port } = this.#server
    const host = (input.isVirtualHost ? hostOf(input) : null) ?? 'localhost'
    const id = randomUUID()
    await this.#mark(host, `${id}-s`)
    backend.answer = input.response
    const answer = await sendRaw(port, request, ANSWER_TIMEOUT_MS)
    backend.answer = null
    return { answer, logLines: await this.#mark(host, `${id}-e`) }
  }

  /** @returns the lines of the log before the marker's own */
  async #mark(host: string, id: string): Promise<string[]> {
    const request = Buffer.from(
      `GET /status/200 HTTP/1.1\r\nAccept: */*\r\nUser-Agent: portcullis verify\r\nHost: ${host}\r\n${MARKER_HEADER}: ${id}\r\nConnection: close\r\n\r\n`,
    )
    for (let tries = 0; tries < MAX_MARKER_TRIES; tries += 1) {
      await sendRaw(this.#server.port, request, ANSWER_TIMEOUT_MS)
      const lines = await this.#log.linesUntil(id, MARKER_TIMEOUT_MS)
      if (lines !== null) return lines
    }
    throw new Error(`the marker ${MARKER_HEADER}: ${id} did not reach the error log`)
  }
}

const hostOf = (input: FtwInput): string | null =>
  input.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? null

/** The request at the place that the last answer redirects to; the connection stays the proxy's. */
function followed(input: FtwInput, { last }: Session): FtwInput | null {
  if (last === null || !REDIRECTS.has(last.answer.status)) return null
  const location = /\r\nlocation: *([^\r]*)/i.exec(last.answer.text)?.[1]
  if (location === undefined || !URL.canParse(location, `http://${last.host}`)) return null
  const base = URL.canParse(last.uri, `http://${last.host}`)
    ? new URL(last.uri, `http://${last.host}`)
    : `http://${last.host}`
  const target = new URL(location, base)
  const headers = input.headers.filter(([name]) => name.toLowerCase() !== 'host')
  return {
    ...input,
    uris: [`${target.pathname}${target.search}`],
    headers: [['Host', target.host], ...headers],
  }
}

function saveCookies(answer: RawAnswer, cookies: Map<string, string>): void {
  const head = answer.text.split('\r\n\r\n', 1)[0]
  for (const match of head.matchAll(/\r\nset-cookie: *([^=;\r]+)=([^;\r]*)/gi)) {
    cookies.set(match[1], match[2])
  }
}
