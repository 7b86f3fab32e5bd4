import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import { type HttpExchangeOptions, HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import type { BodyFraming, HttpTransaction } from '#inspectors/http/transaction.ts'

/** One push of one side, or its FIN. */
export type Turn =
  | { readonly side: 'client' | 'server'; readonly bytes: Buffer }
  | { readonly side: 'client' | 'server'; readonly bytes: null }

/** What the parser told, one line per event; body events that follow each other are one. */
export class Trace implements HttpExchangeHandler {
  readonly lines: string[] = []
  #body = { key: '', text: '' }

  requestHead(transaction: HttpTransaction, endOffset: number): void {
    const { method, target, protocol, framing } = transaction.request
    const index = transaction.index
    this.#add(
      `client@${endOffset} head #${index} ${method} ${target} ${protocol} ${describe(framing)}`,
    )
  }

  requestBody(transaction: HttpTransaction, chunk: Buffer, endOffset: number): void {
    this.#addBody('client', transaction, chunk, endOffset)
  }

  requestEnd(transaction: HttpTransaction, endOffset: number): void {
    const trailers = transaction.requestTrailers.map((field) => ` ${field.name}=${field.value}`)
    const anomalies = describeAnomalies(transaction)
    this.#add(`client@${endOffset} end #${transaction.index}${trailers.join('')}${anomalies}`)
  }

  responseHead(transaction: HttpTransaction, endOffset: number): void {
    const { status, framing } = transaction.response!
    this.#add(`server@${endOffset} head #${transaction.index} ${status} ${describe(framing)}`)
  }

  responseBody(transaction: HttpTransaction, chunk: Buffer, endOffset: number): void {
    this.#addBody('server', transaction, chunk, endOffset)
  }

  responseEnd(transaction: HttpTransaction, endOffset: number): void {
    const trailers = transaction.responseTrailers.map((field) => ` ${field.name}=${field.value}`)
    const anomalies = describeAnomalies(transaction)
    this.#add(`server@${endOffset} end #${transaction.index}${trailers.join('')}${anomalies}`)
  }

  interimResponse(
    transaction: HttpTransaction,
    response: { readonly status: number },
    endOffset: number,
  ): void {
    this.#add(`server@${endOffset} interim #${transaction.index} ${response.status}`)
  }

  tunnel(transaction: HttpTransaction, clientOffset: number, serverOffset: number): void {
    this.#add(`tunnel #${transaction.index} client@${clientOffset} server@${serverOffset}`)
  }

  error(error: Parameters<HttpExchangeHandler['error']>[0]): void {
    const side = error.flow === 'to_server' ? 'client' : 'server'
    const answer = error.closeWithoutReply ? 'close' : error.status
    const pending = error.pendingResponses === 0 ? '' : ` after ${error.pendingResponses}`
    this.#add(`${side}@${error.offset} error ${error.code} ${answer}${pending}`)
  }

  #add(line: string): void {
    this.#body = { key: '', text: '' }
    this.lines.push(line)
  }

  #addBody(side: string, transaction: HttpTransaction, chunk: Buffer, endOffset: number): void {
    const key = `${side} ${transaction.index}`
    const continues = this.#body.key === key
    const text = (continues ? this.#body.text : '') + chunk.toString('latin1')
    if (continues) this.lines.pop()
    this.lines.push(`${side}@${endOffset} body #${transaction.index} ${JSON.stringify(text)}`)
    this.#body = { key, text }
  }
}

/** The trace of some turns. `cut` says in what pieces a turn's bytes are pushed; default: whole. */
export function traceOf(
  turns: readonly Turn[],
  options: Partial<HttpExchangeOptions> = {},
  cut: (bytes: Buffer, turn: number) => readonly Buffer[] = (bytes) => [bytes],
): string[] {
  const trace = new Trace()
  const parser = new HttpExchangeParser(trace, { nextId: () => 'id', now: () => 1, ...options })
  turns.forEach((turn, index) => {
    if (turn.bytes === null) {
      if (turn.side === 'client') parser.endClient()
      else parser.endServer()
      return
    }
    for (const piece of cut(turn.bytes, index)) {
      // The parser may not keep views of what was pushed: the copy is overwritten after the call.
      const lent = Buffer.from(piece)
      if (turn.side === 'client') parser.pushClient(lent)
      else parser.pushServer(lent)
      lent.fill(0x21)
    }
  })
  return trace.lines
}

export function byteByByte(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
}

function describe(framing: BodyFraming): string {
  return framing.kind === 'length' ? `length ${framing.bytes}` : framing.kind
}

function describeAnomalies(transaction: HttpTransaction): string {
  const names = transaction.anomalies
  return names.length === 0 ? '' : ` [${names.join(', ')}]`
}
