import { rmSync } from 'node:fs'
import { createServer, connect, type Socket } from 'node:net'
import type { ControlRequest, ControlResponse, SupervisorStatus } from '#chain/model/domain.ts'

/**
 * A supervisor in one process, for tests of its life cycle: speaks the control protocol and splices
 * what the inherited socket accepts. `onFailure`-like situations are asked for by chain name:
 * `refused` is not taken, `deaf` is taken with no worker listening.
 */
const path = process.argv[2]
let status: SupervisorStatus = {
  domain: '',
  pid: process.pid,
  generation: 0,
  refused: null,
  wanted: 1,
  listening: 0,
  draining: 0,
  restarts: 0,
  connections: 0,
}
const clients = new Set<Socket>()
const data = createServer((client) => {
  const server = connect({
    host: client.localAddress as string,
    port: client.localPort as number,
    localAddress: client.remoteAddress as string,
    localPort: client.remotePort as number,
  })
  client.on('error', () => server.destroy())
  server.on('error', () => client.resetAndDestroy())
  client.pipe(server).pipe(client)
})

function answer(request: ControlRequest): ControlResponse {
  const { id } = request
  if (request.method === 'metrics') return { id, ok: true, metrics: 'fake_metric 1\n' }
  if (request.method === 'stop') {
    setImmediate(() => process.exit(0))
    return { id, ok: true, status }
  }
  if (request.method === 'apply') {
    const { config } = request
    const names = config.chains.map((chain) => chain.chain.name)
    if (names.includes('refused'))
      return { id, ok: false, error: '/rules/x/a.conf:1:1: no such thing' }
    if (names.includes('deaf')) data.close()
    else if (config.listener.kind === 'transparent' && !data.listening)
      data.listen({ fd: config.listener.fd })
    status = {
      ...status,
      domain: config.domain,
      generation: config.generation,
      listening: names.includes('deaf') ? 0 : 1,
    }
    for (const client of clients) client.write(`${JSON.stringify({ event: 'status', status })}\n`)
  }
  return { id, ok: true, status }
}

rmSync(path, { force: true })
createServer((client) => {
  clients.add(client)
  client.on('close', () => clients.delete(client))
  client.on('error', () => {})
  let text = ''
  client.on('data', (chunk) => {
    text += String(chunk)
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) client.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`)
  })
}).listen(path)
