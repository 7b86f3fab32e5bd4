import { once } from 'node:events'
import net from 'node:net'
import { Worker } from 'node:worker_threads'

/** Sockets that fill the backlog; Linux takes one more than it is told. */
const FILLERS = 4

const LISTEN_AND_SLEEP = `
const { parentPort, workerData } = require('node:worker_threads')
const server = require('node:net').createServer()
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port)
  setImmediate(() => Atomics.wait(new Int32Array(workerData), 0, 0))
})
`

/** A port of this machine that answers no SYN: its listener sleeps and its backlog is full. */
export async function startSilentServer(): Promise<AsyncDisposable & { readonly port: number }> {
  const shared = new SharedArrayBuffer(4)
  const thread = new Worker(LISTEN_AND_SLEEP, { eval: true, workerData: shared })
  const [port] = (await once(thread, 'message')) as [number]
  const fillers = Array.from({ length: FILLERS }, () => {
    const socket = net.connect({ port, host: '127.0.0.1' })
    socket.on('error', () => {})
    return socket
  })
  await Promise.all(fillers.slice(0, 2).map((socket) => once(socket, 'connect')))
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of fillers) socket.destroy()
      Atomics.store(new Int32Array(shared), 0, 1)
      Atomics.notify(new Int32Array(shared), 0)
      await thread.terminate()
    },
  }
}
