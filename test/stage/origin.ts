import { createServer } from 'node:net'

/**
 * A web server that costs next to nothing, for benchmarks: it answers every request head it finds with
 * the same bytes. Request bodies are counted off by Content-Length.
 *
 * usage: origin.ts PORT; prints `listening` when it does
 */

const BODY = '{"ok":true}'
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
)

const server = createServer({ noDelay: true }, (socket) => {
  let pending = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    for (;;) {
      const end = pending.indexOf('\r\n\r\n')
      if (end === -1) return
      const head = pending.toString('latin1', 0, end)
      const match = /\r\ncontent-length: *(\d+)/i.exec(head)
      const total = end + 4 + (match === null ? 0 : Number(match[1]))
      if (pending.length < total) return
      pending = pending.subarray(total)
      socket.write(ANSWER)
    }
  })
})
server.listen(Number(process.argv[2]), '::', () => process.stdout.write('listening\n'))
process.on('SIGTERM', () => process.exit(0))
