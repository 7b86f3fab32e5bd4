import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type Server, type Socket, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ControlSocket } from '#steering/openflow/control-socket.ts'
import { waitUntil } from '#test/topology/wait-until.ts'

/** An ovs-vswitchd's control socket: every request is answered with its own process id. */
class Switch {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => this.#sockets.add(socket))
  }

  static async start(folder: string, pid: number): Promise<Switch> {
    const server = createServer((socket) =>
      socket.on('data', (bytes) => {
        const { id } = JSON.parse(String(bytes)) as { id: unknown }
        socket.write(JSON.stringify({ id, result: String(pid), error: null }))
      }),
    )
    const made = new Switch(server)
    await new Promise<void>((done) => server.listen(join(folder, `ovs-vswitchd.${pid}.ctl`), done))
    await writeFile(join(folder, 'ovs-vswitchd.pid'), `${pid}\n`)
    return made
  }

  kill(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

test('a switch that comes back with another process id is found, and its return told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-ctl-'))
  let restarts = 0
  const control = new ControlSocket(join(folder, 'ovs-vswitchd.111.ctl'), () => restarts++)
  const first = await Switch.start(folder, 111)
  try {
    control.start()
    assert.equal(await control.run('version'), '111')
    first.kill()
    const second = await Switch.start(folder, 222)
    await waitUntil('the return', () => restarts === 1)
    assert.equal(await control.run('version'), '222')
    assert.equal(await control.aside((run) => run('version')), '222')
    second.kill()
  } finally {
    first.kill()
    control.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
