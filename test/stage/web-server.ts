import { createServer } from 'node:http'

/**
 * The guest's web server: says who asked, as it saw it. It knows nothing of Portcullis.
 *
 * usage: web-server.ts PORT; prints `listening` when it does. Paths: `/` answers JSON
 * {client, path, bytes}; `/stream` sends a line every 100 ms; `/large` 4 MiB; others like `/`.
 */

const LARGE_BYTES = 4 * 1024 * 1024
const STREAM_LINES = 50

const large = Buffer.alloc(LARGE_BYTES, 'portcullis ')
const port = Number(process.argv[2])

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  let bytes = 0
  request.on('data', (chunk: Buffer) => (bytes += chunk.length))
  request.on('error', () => response.destroy())
  request.on('end', () => {
    const path = request.url ?? ''
    if (path.startsWith('/large')) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(large)
      return
    }
    if (path.startsWith('/stream')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      let sent = 0
      const timer = setInterval(() => {
        response.write(`data: ${sent}\n\n`)
        if (++sent === STREAM_LINES) {
          clearInterval(timer)
          response.end()
        }
      }, 100)
      response.on('close', () => clearInterval(timer))
      return
    }
    const client = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    const body = JSON.stringify({ client, path, bytes })
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  })
})
server.listen(port, '::', () => process.stdout.write('listening\n'))
process.on('SIGTERM', () => process.exit(0))
