import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import type { Connection, ConnectionInspector, Inspector, Verdict } from '#inspectors/inspector.ts'
import { reflect } from './reflect.ts'

/** What a client would have seen, and how the exchange went on inside. */
export interface Exchange {
  /** Status of the answer; null: the connection ended without one. */
  readonly status: number | null
  readonly verdicts: readonly Verdict[]
}

export const TEST_CONNECTION: Connection = {
  id: 'test',
  flowId: 1,
  clientAddress: '127.0.0.1',
  clientPort: 40_000,
  serverAddress: '127.0.0.1',
  serverPort: 80,
  openedAt: 0,
}

/** The server behind. */
export type Backend = (transaction: HttpTransaction, body: Buffer) => Buffer

/**
 * Runs one request through an inspector as the proxy would, without a socket: parsed by the real parser,
 * answered by the backend when no verdict ends it.
 *
 * @param cut bytes per chunk in which the request arrives
 */
export function exchange(
  inspector: Inspector,
  request: Buffer,
  backend: Backend = reflect,
  cut = request.length,
): Exchange {
  const run = new Run(inspector, backend)
  for (let at = 0; at < request.length; at += Math.max(1, cut)) {
    run.parser.pushClient(request.subarray(at, at + cut))
    run.answer()
  }
  run.parser.endClient()
  run.answer()
  run.finish()
  return { status: run.status, verdicts: run.verdicts }
}

class Run implements HttpExchangeHandler {
  readonly parser: HttpExchangeParser
  readonly verdicts: Verdict[] = []
  status: number | null = null
  readonly #inspector: ConnectionInspector
  readonly #backend: Backend
  readonly #mode: Inspector['mode']
  readonly #body: Buffer[] = []
  readonly #answers: Buffer[] = []
  #open: HttpTransaction | null = null
  #isOver = false

  constructor(inspector: Inspector, backend: Backend) {
    this.#inspector = inspector.open(TEST_CONNECTION)
    this.#mode = inspector.mode
    this.#backend = backend
    let id = 0
    this.parser = new HttpExchangeParser(this, {
      nextId: () => `test-${(id += 1)}`,
      now: () => 1_780_000_000_000,
    })
  }

  requestHead(transaction: HttpTransaction): void {
    this.#open = transaction
    this.#body.length = 0
    this.#take(this.#inspector.requestHead(transaction))
  }
  requestBody(transaction: HttpTransaction, chunk: Buffer): void {
    this.#body.push(Buffer.from(chunk))
    if (!this.#isOver) this.#take(this.#inspector.requestBody(transaction, chunk))
  }
  requestEnd(transaction: HttpTransaction): void {
    if (this.#isOver) return
    this.#take(this.#inspector.requestEnd(transaction))
    if (!this.#isOver) this.#answers.push(this.#backend(transaction, Buffer.concat(this.#body)))
  }
  responseHead(transaction: HttpTransaction): void {
    if (this.#isOver) return
    this.#take(this.#inspector.responseHead(transaction))
    if (!this.#isOver) this.status = transaction.response?.status ?? null
  }
  responseBody(transaction: HttpTransaction, chunk: Buffer): void {
    if (!this.#isOver) this.#take(this.#inspector.responseBody(transaction, chunk))
  }
  responseEnd(transaction: HttpTransaction): void {
    if (!this.#isOver) this.#take(this.#inspector.responseEnd(transaction))
    this.#end(transaction)
  }
  interimResponse(): void {}
  tunnel(): void {}
  error(error: { status: number; closeWithoutReply: boolean; flow: string }): void {
    if (error.flow !== 'to_server') return
    if (!error.closeWithoutReply) this.status = error.status
    this.#isOver = true
  }

  answer(): void {
    for (const bytes of this.#answers.splice(0)) {
      if (!this.#isOver) this.parser.pushServer(bytes)
    }
  }

  finish(): void {
    if (this.#open !== null) this.#end(this.#open)
    this.verdicts.push(this.#inspector.close())
  }

  #end(transaction: HttpTransaction): void {
    this.#open = null
    this.verdicts.push(this.#inspector.transactionEnd(transaction))
  }

  #take(verdict: Verdict): void {
    this.verdicts.push(verdict)
    if (verdict.kind !== 'block' && verdict.kind !== 'drop') return
    if (this.#mode === 'detect') return
    this.status = verdict.kind === 'block' ? verdict.status : null
    this.#isOver = true
  }
}
