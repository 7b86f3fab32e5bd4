import type { Socket } from 'node:net'
import { Lane, type HeldBudget } from './lane.ts'
import { LINGER_MS } from './limits.ts'

const NOTHING = Buffer.alloc(0)

/**
 * The two sockets of one proxied connection and how they end. What one side does the other is shown: a
 * FIN as a FIN (each direction by itself), a reset as a reset.
 */
export class Link {
  readonly client: Socket
  readonly server: Socket
  readonly toServer: Lane
  readonly toClient: Lane
  /** For the sweep: bytes that were counted when it last looked, and how often nothing had moved. */
  countedToServer = 0
  countedToClient = 0
  idleSweeps = 0
  /** The client is being given our own answer: what happens to the server no longer concerns it. */
  #isAnswering = false
  #openSockets = 2
  readonly #onClosed: () => void

  /** @param onClosed called once, when both sockets are closed */
  constructor(client: Socket, server: Socket, budget: HeldBudget, onClosed: () => void) {
    this.client = client
    this.server = server
    this.toServer = new Lane(client, server, budget)
    this.toClient = new Lane(server, client, budget)
    this.#onClosed = onClosed
    client.on('close', (hadError) => this.#socketClosed(client, server, hadError))
    server.on('close', (hadError) => this.#socketClosed(server, client, hadError))
  }

  /** Resets both sides; what was held is forgotten. */
  reset(): void {
    resetSocket(this.client)
    resetSocket(this.server)
  }

  /**
   * Resets the server, sends the client this last message (or only a FIN) and closes: the client may
   * finish what it is sending for a while, otherwise the kernel would reset it before it has read.
   */
  answer(message: string | null): void {
    this.#isAnswering = true
    resetSocket(this.server)
    const { client } = this
    if (message === null) client.end()
    else client.end(message, 'latin1')
    this.toServer.discard()
    this.toClient.discard()
    client.resume()
    setTimeout(() => client.destroy(), LINGER_MS).unref()
  }

  /** A FIN to both sides; who does not answer with its own in a while is cut off. */
  finish(): void {
    this.client.end()
    this.server.end()
    this.client.resume()
    this.server.resume()
    setTimeout(() => this.reset(), LINGER_MS).unref()
  }

  #socketClosed(closed: Socket, other: Socket, hadError: boolean): void {
    this.#openSockets--
    if (this.#openSockets === 0) {
      this.toServer.discard()
      this.toClient.discard()
      this.#onClosed()
      return
    }
    if (closed === this.server && this.#isAnswering) return
    // Both directions over in good order: the other side ends on its own once it has been written.
    if (!hadError && closed.readableEnded && closed.writableFinished) return
    if (closed === this.server) this.#resetClientWhenWritten()
    else resetSocket(other)
  }

  /** A server that answers and resets (it did not want the rest of the request) has answered. */
  #resetClientWhenWritten(): void {
    const { client } = this
    if (client.writableLength === 0 || !client.writable) {
      resetSocket(client)
      return
    }
    const timer = setTimeout(() => resetSocket(client), LINGER_MS).unref()
    client.write(NOTHING, () => {
      clearTimeout(timer)
      resetSocket(client)
    })
  }
}

/** RST in place of FIN; a socket that never connected is only closed. */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return
  if (socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}
