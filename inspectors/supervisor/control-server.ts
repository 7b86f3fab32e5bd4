import { rmSync } from 'node:fs'
import net from 'node:net'
import { Value } from 'typebox/value'
import {
  type ControlEvent,
  type ControlRequest,
  type ControlResponse,
  DomainConfig,
  type SupervisorStatus,
} from '#chain/model/domain.ts'
import type { Supervisor } from './supervisor.ts'

/** Longest request line: a configuration with a few thousand attachments. */
export const MAX_REQUEST_BYTES = 33_554_432
/** Agents connected at a time. */
export const MAX_CONTROL_CLIENTS = 8
/** Answers and events a client may leave unread before it is cut off. */
export const MAX_UNREAD_BYTES = 8_388_608

export interface ControlServer {
  /** Sends an event to every client. */
  announce(status: SupervisorStatus): void
  close(): void
}

/**
 * The supervisor's control socket: NDJSON requests and answers (`chain/model/domain.ts`), matched by
 * id, and events in between. Clients come and go without any effect on the workers.
 *
 * @param path     of a unix socket; a leftover is replaced. Only the owner may connect.
 * @param stopped  called once after a `stop` was answered
 */
export async function serveControl(
  path: string,
  supervisor: Supervisor,
  stopped: () => void,
): Promise<ControlServer> {
  const clients = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    if (clients.size >= MAX_CONTROL_CLIENTS) {
      socket.destroy()
      return
    }
    clients.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => clients.delete(socket))
    readLines(socket, (line) => void answer(socket, line))
  })

  const answer = async (socket: net.Socket, line: string): Promise<void> => {
    let request: ControlRequest
    try {
      request = parseRequest(line)
    } catch (error) {
      send(socket, { id: 0, ok: false, error: messageOf(error) })
      return
    }
    const { id } = request
    try {
      switch (request.method) {
        case 'status':
          send(socket, { id, ok: true, status: supervisor.status })
          return
        case 'metrics':
          send(socket, { id, ok: true, metrics: supervisor.metrics() })
          return
        case 'apply':
          send(socket, {
            id,
            ok: true,
            status: await supervisor.apply(checkedConfig(request.config)),
          })
          return
        case 'stop':
          await supervisor.stop(Math.max(0, request.drainMs))
          send(socket, { id, ok: true, status: supervisor.status })
          socket.end(stopped)
          return
        default:
          throw new Error(`no such method: ${String((request as { method?: unknown }).method)}`)
      }
    } catch (error) {
      send(socket, { id, ok: false, error: messageOf(error) })
    }
  }

  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The socket is nobody else's from the moment on that it is there: `listen` binds it before it returns.
    const mask = process.umask(0o177)
    server.listen(path, resolve)
    process.umask(mask)
  })

  return {
    announce: (status) => {
      for (const socket of clients) send(socket, { event: 'status', status })
    },
    close: () => {
      server.close()
      for (const socket of clients) socket.destroy()
    },
  }
}

function send(socket: net.Socket, message: ControlResponse | ControlEvent): void {
  if (!socket.writable) return
  if (socket.writableLength > MAX_UNREAD_BYTES) socket.destroy()
  else socket.write(`${JSON.stringify(message)}\n`)
}

function parseRequest(line: string): ControlRequest {
  const value: unknown = JSON.parse(line)
  if (typeof value !== 'object' || value === null || !('id' in value) || !('method' in value)) {
    throw new TypeError('a request has an id and a method')
  }
  return value as ControlRequest
}

/** @throws TypeError that names the first field that is wrong */
export function checkedConfig(value: unknown): DomainConfig {
  if (Value.Check(DomainConfig, value)) return value
  const [first] = Value.Errors(DomainConfig, value)
  throw new TypeError(
    first === undefined
      ? 'the configuration is not valid'
      : `configuration ${first.instancePath || '/'}: ${first.message}`,
  )
}

function readLines(socket: net.Socket, onLine: (line: string) => void): void {
  let parts: Buffer[] = []
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8')
      parts = []
      bytes = 0
      start = end + 1
      if (line !== '') onLine(line)
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start))
      bytes += chunk.length - start
    }
    if (bytes > MAX_REQUEST_BYTES) socket.destroy()
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
