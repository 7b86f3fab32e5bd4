import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { HttpExchangeHandler } from '#inspectors/http/exchange-handler.ts'
import { HttpExchangeParser } from '#inspectors/http/exchange-parser.ts'
import { answerBytes, reflect, type ReflectedAnswer } from './reflect.ts'

const MAX_BODY_BYTES = 64 * 1024 * 1024
const CLOSE = [['Connection', 'close']] as const

/**
 * The server behind, over sockets. It takes what the proxy takes (odd methods, versions, bytes over
 * 127), which Node's own server does not.
 */
export class ReflectServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Answer to everything; null: what the request says. */
  answer: ReflectedAnswer | null = null

  constructor() {
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      serve(socket, () => this.answer)
    })
  }

  /** @returns the port */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function serve(socket: Socket, configured: () => ReflectedAnswer | null): void {
  const answers: Buffer[] = []
  let body: Buffer[] = []
  let bodyBytes = 0
  const ignore = (): void => {}
  const handler: HttpExchangeHandler = {
    requestHead: () => {
      body = []
      bodyBytes = 0
    },
    requestBody: (_transaction, chunk) => {
      bodyBytes += chunk.length
      if (bodyBytes > MAX_BODY_BYTES) socket.destroy()
      else body.push(Buffer.from(chunk))
    },
    requestEnd: (transaction) => {
      const answer = configured()
      answers.push(
        answer === null
          ? reflect(transaction, Buffer.concat(body))
          : answerBytes(answer, transaction.request.method),
      )
    },
    responseHead: ignore,
    responseBody: ignore,
    responseEnd: ignore,
    interimResponse: ignore,
    tunnel: ignore,
    error: ({ flow, status, closeWithoutReply }) => {
      if (flow !== 'to_server') return
      if (closeWithoutReply) socket.end()
      else socket.end(answerBytes({ status, headers: CLOSE, body: Buffer.alloc(0) }, ''))
    },
  }
  let transactions = 0
  const parser = new HttpExchangeParser(handler, {
    nextId: () => String((transactions += 1)),
    now: Date.now,
  })
  const flush = (): void => {
    for (const answer of answers.splice(0)) {
      // It pairs answers with requests, and holds back those that wait for one.
      parser.pushServer(answer)
      if (socket.writable) socket.write(answer)
    }
    if (answers.length > 0) flush()
  }
  socket.on('data', (chunk) => {
    parser.pushClient(chunk)
    flush()
  })
  socket.on('end', () => {
    parser.endClient()
    flush()
    socket.end()
  })
  socket.on('error', () => socket.destroy())
}
