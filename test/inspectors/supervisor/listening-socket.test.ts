import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { test } from 'node:test'
import {
  bindListeningSocket,
  bindWithOlderNode,
  type ListeningSocket,
} from '#inspectors/supervisor/listening-socket.ts'

const IMPLEMENTATIONS: readonly (readonly [string, (port: number) => ListeningSocket])[] = [
  ['BoundSocket', (port) => bindListeningSocket('127.0.0.1', port)],
  ['older Node', (port) => bindWithOlderNode('127.0.0.1', port, `127.0.0.1:${port}`)],
]

for (const [name, bind] of IMPLEMENTATIONS) {
  test(`${name}: a server can listen on the descriptor, at the port that was told`, async () => {
    const socket = bind(0)
    assert.equal(socket.host, '127.0.0.1')
    const server = net.createServer((client) => client.end('hello'))
    server.listen({ fd: socket.fd })
    await once(server, 'listening')
    const client = net.connect(socket.port, socket.host)
    const [chunk] = (await once(client, 'data')) as [Buffer]
    assert.equal(chunk.toString(), 'hello')
    server.close()
  })

  test(`${name}: a port that is taken is an error that names it`, async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    try {
      assert.throws(
        () => bind(port),
        new RegExp(`cannot listen on 127.0.0.1:${port}: .*EADDRINUSE`),
      )
    } finally {
      server.close()
    }
  })
}
