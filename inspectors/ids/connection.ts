import type { HttpTransaction } from '#inspectors/http/transaction.ts'
import {
  type Connection,
  type ConnectionInspector,
  type Flow,
  PASS,
  type Verdict,
} from '#inspectors/inspector.ts'
import { detectApplication, isHeadEnough } from './application.ts'
import type { Engine } from './engine.ts'
import { Findings } from './findings.ts'
import { FlowContext } from './flow-context.ts'
import { HttpInspection } from './http-inspection.ts'
import type { Side } from './program/program.ts'
import { StreamInspection } from './stream-inspection.ts'

/** The rules over one connection. */
export class IdsConnection implements ConnectionInspector {
  readonly #context: FlowContext
  readonly #findings: Findings
  readonly #http: HttpInspection
  readonly #stream: StreamInspection

  constructor(engine: Engine, connection: Connection) {
    this.#context = new FlowContext(connection, engine)
    this.#findings = new Findings(engine)
    this.#http = new HttpInspection(engine, this.#context, this.#findings)
    this.#stream = new StreamInspection(engine, this.#context, this.#findings)
  }

  bytes(flow: Flow, chunk: Buffer): Verdict {
    const side = sideOf(flow)
    const context = this.#context
    context.chunkBytes = chunk.length
    if (side === 'request') context.toServerBytes += chunk.length
    else context.toClientBytes += chunk.length
    if (context.application === null) this.#detect(side, chunk)
    this.#stream.bytes(side, chunk)
    return this.#findings.take()
  }

  requestHead(transaction: HttpTransaction): Verdict {
    this.#context.application = 'http'
    this.#http.head(transaction, 'request', this.#stream.window('request'))
    return this.#findings.take()
  }

  /** Chunks are judged as they come: a match is found with the chunk that completes it. */
  holdsRequestBody(): boolean {
    return false
  }

  requestBody(transaction: HttpTransaction, chunk: Buffer): Verdict {
    this.#http.body(transaction, 'request', chunk)
    return this.#findings.take()
  }

  requestEnd(transaction: HttpTransaction): Verdict {
    this.#http.end(transaction, 'request')
    return this.#findings.take()
  }

  responseHead(transaction: HttpTransaction): Verdict {
    this.#http.head(transaction, 'response', this.#stream.window('response'))
    return this.#findings.take()
  }

  holdsResponseBody(): boolean {
    return false
  }

  responseBody(transaction: HttpTransaction, chunk: Buffer): Verdict {
    this.#http.body(transaction, 'response', chunk)
    return this.#findings.take()
  }

  responseEnd(transaction: HttpTransaction): Verdict {
    this.#http.end(transaction, 'response')
    return this.#findings.take()
  }

  transactionEnd(transaction: HttpTransaction): Verdict {
    this.#http.close(transaction)
    return PASS
  }

  close(): Verdict {
    return PASS
  }

  #detect(side: Side, chunk: Buffer): void {
    const head = chunk.toString('latin1', 0, 512)
    const found = detectApplication(head, side)
    if (found !== null) this.#context.application = found
    else if (side === 'response' && isHeadEnough(head.length)) this.#context.application = 'failed'
  }
}

function sideOf(flow: Flow): Side {
  return flow === 'to_server' ? 'request' : 'response'
}
