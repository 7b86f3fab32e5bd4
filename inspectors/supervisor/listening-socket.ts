import net from 'node:net'
import { getSystemErrorName } from 'node:util'

/**
 * A TCP socket that this process has bound and never accepts on: workers inherit the descriptor and
 * listen. While it is open, connections queue in the kernel even when every worker is gone.
 */
export interface ListeningSocket {
  readonly fd: number
  readonly host: string
  readonly port: number
}

interface ServerHandle {
  readonly fd: number
  getsockname(out: { address?: string; port?: number }): number
  close(): void
}

/** Sockets must stay reachable: a collected handle closes its descriptor. */
const held: unknown[] = []

/**
 * @param host numeric address
 * @param port 0 takes a free one
 * @throws Error that says what could not be bound
 */
export function bindListeningSocket(host: string, port: number): ListeningSocket {
  const where = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`
  if (typeof net.BoundSocket === 'function') {
    try {
      const socket = new net.BoundSocket({ host, port })
      held.push(socket)
      const address = socket.address()
      return { fd: socket.fd(), host: address.address, port: address.port }
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`cannot listen on ${where}: ${detail}`, { cause })
    }
  }
  return bindWithOlderNode(host, port, where)
}

/** Node before 24.19 has no BoundSocket; this is what its `cluster` module binds with. */
export function bindWithOlderNode(host: string, port: number, where: string): ListeningSocket {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle: (host: string, port: number, family: number) => ServerHandle | number
  }
  const handle = create(host, port, net.isIPv6(host) ? 6 : 4)
  const address: { address?: string; port?: number } = {}
  // libuv keeps an EADDRINUSE of bind to itself until the next call.
  const error = typeof handle === 'number' ? handle : handle.getsockname(address)
  if (typeof handle === 'number' || error !== 0) {
    if (typeof handle !== 'number') handle.close()
    throw new Error(`cannot listen on ${where}: ${getSystemErrorName(error)}`)
  }
  held.push(handle)
  return { fd: handle.fd, host: address.address ?? host, port: address.port ?? port }
}
