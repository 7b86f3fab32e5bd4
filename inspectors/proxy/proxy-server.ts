import net from 'node:net'
import { ChainFold } from '../chain/fold.ts'
import type { Hop } from '../chain/hop.ts'
import type { Connection } from '../inspector.ts'
import { plainAddress } from './address.ts'
import { EndOfTurn } from './end-of-turn.ts'
import type { FlowServices } from './flow-services.ts'
import { InspectedFlow } from './inspected-flow.ts'
import {
  CONNECT_TIMEOUT_MS,
  DRAIN_KEEP_ALIVE_MS,
  HIGH_WATER_BYTES,
  IDLE_LIMIT_MS,
  IDLE_SWEEP_MS,
  LISTEN_BACKLOG,
  MAX_CONNECTIONS,
  RESET_GRACE_MS,
} from './limits.ts'
import { Link, resetSocket } from './link.ts'
import { splice } from './splice.ts'

/** Which hops a connection runs through; `reset`: none could be found and it must not pass. */
export type Route = readonly Hop[] | 'reset'

export interface ProxyServerOptions {
  readonly services: FlowServices
  /** Whom a connection is for; null: whom the client dialled, and from the client's own address. */
  readonly upstream: { readonly host: string; readonly port: number } | null
  readonly route: (connection: Connection) => Route
  readonly nextConnectionId: () => string
  readonly nextFlowId: () => number
  /** Bounds, for tests. */
  readonly maxConnections?: number
  readonly connectTimeoutMs?: number
  readonly idleLimitMs?: number
  readonly idleSweepMs?: number
  readonly drainKeepAliveMs?: number
}

/**
 * Accepts connections and proxies them through their chains. The client is accepted before the server is
 * known to answer, so nothing is read from it until it does: a refused or silent server means that the
 * client is reset, never greeted.
 */
export class ProxyServer {
  readonly #options: ProxyServerOptions
  readonly #server: net.Server
  readonly #turn: EndOfTurn
  /** With the flow that looks at it; null: an empty chain. */
  readonly #links = new Map<Link, InspectedFlow | null>()
  /** Sockets to servers that have not answered yet. */
  readonly #dialing = new Set<net.Socket>()
  #sweep: NodeJS.Timeout | null = null
  #isDraining = false
  #onIdle: (() => void)[] = []

  constructor(options: ProxyServerOptions) {
    this.#options = options
    this.#turn = new EndOfTurn(options.services.sink)
    this.#server = net.createServer(
      {
        allowHalfOpen: true,
        pauseOnConnect: true,
        noDelay: true,
        highWaterMark: HIGH_WATER_BYTES,
      },
      (client) => this.#accept(client),
    )
    this.#server.maxConnections = options.maxConnections ?? MAX_CONNECTIONS
    this.#server.on('drop', () => options.services.counters.refusedConnections++)
  }

  get connections(): number {
    return this.#links.size + this.#dialing.size
  }

  /**
   * @param fd a bound TCP socket that this process inherited; other processes may share it
   * @throws what `listen` reports
   */
  async listen(fd: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ fd, backlog: LISTEN_BACKLOG, exclusive: true }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    const sweepMs = this.#options.idleSweepMs ?? IDLE_SWEEP_MS
    this.#sweep = setInterval(() => this.#sweepIdle(sweepMs), sweepMs)
  }

  /**
   * Accepts no more and lets the connections it has finish, however long they are quiet; only kept-alive
   * HTTP connections between two messages are closed after a while, so that their clients come back to
   * a worker that accepts. May be called again with another deadline.
   *
   * @returns how many were in use when the deadline cut them off
   */
  async drain(deadlineMs: number): Promise<number> {
    this.#server.close()
    this.#isDraining = true
    await this.#idle(deadlineMs)
    for (const server of this.#dialing) server.destroy()
    let cutOff = 0
    for (const [link, flow] of this.#links) {
      if (flow?.closeIfIdle() === true) continue
      cutOff++
      link.reset()
    }
    await this.#idle(RESET_GRACE_MS)
    if (this.#sweep !== null) clearInterval(this.#sweep)
    this.#sweep = null
    return cutOff
  }

  async #idle(deadlineMs: number): Promise<void> {
    if (this.connections === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, deadlineMs)
      this.#onIdle.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #accept(client: net.Socket): void {
    const { remoteAddress, remotePort, localAddress, localPort } = client
    client.on('error', () => {})
    if (!remoteAddress || !remotePort || !localAddress || !localPort) {
      client.destroy()
      return
    }
    const { upstream, services, nextConnectionId, nextFlowId } = this.#options
    const connection: Connection = {
      id: nextConnectionId(),
      flowId: nextFlowId(),
      clientAddress: plainAddress(remoteAddress),
      clientPort: remotePort,
      serverAddress: upstream?.host ?? plainAddress(localAddress),
      serverPort: upstream?.port ?? localPort,
      openedAt: Date.now(),
    }
    services.counters.connections++
    const route = this.#options.route(connection)
    if (route === 'reset') {
      resetSocket(client)
      return
    }
    this.#dial(client, connection, route)
  }

  #dial(client: net.Socket, connection: Connection, hops: readonly Hop[]): void {
    const { upstream, services } = this.#options
    const server = net.connect({
      host: connection.serverAddress,
      port: connection.serverPort,
      ...(upstream === null
        ? { localAddress: connection.clientAddress, localPort: connection.clientPort }
        : {}),
      allowHalfOpen: true,
      noDelay: true,
    })
    this.#dialing.add(server)
    const dialed = (): void => {
      this.#dialing.delete(server)
      client.off('close', abandoned)
      server.off('close', failed)
    }
    const abandoned = (): void => {
      dialed()
      server.destroy()
      this.#checkIdle()
    }
    const failed = (): void => {
      dialed()
      services.counters.upstreamFailures++
      resetSocket(client)
      this.#checkIdle()
    }
    server.on('error', () => {})
    client.on('close', abandoned)
    server.on('close', failed)
    server.setTimeout(this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, () => server.destroy())
    server.once('connect', () => {
      server.setTimeout(0)
      dialed()
      // A name was looked up meanwhile; alerts want the address.
      const serverAddress = plainAddress(server.remoteAddress ?? connection.serverAddress)
      this.#begin(client, server, { ...connection, serverAddress }, hops)
    })
  }

  #begin(
    client: net.Socket,
    server: net.Socket,
    connection: Connection,
    hops: readonly Hop[],
  ): void {
    const { services } = this.#options
    let flow: InspectedFlow | null = null
    const link = new Link(client, server, services.heldBudget, () => {
      this.#count(link)
      this.#links.delete(link)
      flow?.closed()
      this.#checkIdle()
    })
    if (hops.length === 0) splice(link)
    else {
      const fold = new ChainFold(hops, connection, services)
      flow = new InspectedFlow(link, fold, services, this.#turn)
    }
    this.#links.set(link, flow)
    client.resume()
  }

  #checkIdle(): void {
    if (this.connections > 0) return
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  /** Adds what a link has moved since it was last counted. @returns true when it has moved anything */
  #count(link: Link): boolean {
    const { counters } = this.#options.services
    const toServer = link.toServer.receivedBytes - link.countedToServer
    const toClient = link.toClient.receivedBytes - link.countedToClient
    counters.bytesToServer += toServer
    counters.bytesToClient += toClient
    link.countedToServer += toServer
    link.countedToClient += toClient
    return toServer + toClient > 0
  }

  #sweepIdle(sweepMs: number): void {
    const limitMs = this.#options.idleLimitMs ?? IDLE_LIMIT_MS
    const keepAliveMs = this.#options.drainKeepAliveMs ?? DRAIN_KEEP_ALIVE_MS
    for (const [link, flow] of this.#links) {
      flow?.tellAlerts()
      if (this.#count(link)) {
        link.idleSweeps = 0
        continue
      }
      const quietMs = ++link.idleSweeps * sweepMs
      if (this.#isDraining && quietMs >= keepAliveMs && flow?.closeIfIdle() === true) continue
      if (quietMs >= limitMs) {
        this.#options.services.counters.idleResets++
        link.reset()
      }
    }
  }
}
