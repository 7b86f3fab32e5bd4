import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * Both ends of test connections, run inside guests.
 *
 *   serve PORT...             answers each line with `ADDRESS PORT LINE`, the address being the client's
 *   ask HOST PORT             one line there and back; prints the answer or the error's code
 *   hold HOST PORT            as many lines as standard input has; prints each answer, `closed CODE` last
 *   load HOST PORT MS WIDTH   new connections one after the other, WIDTH at once; prints {ok, failed}
 */
const [mode, ...args] = process.argv.slice(2)

if (mode === 'serve') {
  for (const port of args) {
    const server = createServer({ noDelay: true }, (socket) => {
      const address = socket.remoteAddress!.replace(/^::ffff:/, '')
      socket.on('error', () => {})
      createInterface({ input: socket })
        .on('line', (line) => {
          socket.write(`${address} ${socket.remotePort} ${line}\n`)
        })
        .on('error', () => {})
    })
    server.listen(Number(port), '::', 1024, () => console.log(`serving ${port}`))
  }
} else if (mode === 'ask') {
  console.log(await ask(args[0], Number(args[1]), 3_000))
  process.exit()
} else if (mode === 'hold') {
  const socket = connect({ host: args[0], port: Number(args[1]), noDelay: true }, () => {
    console.log('open')
  })
  let code = 'END'
  socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? 'ERROR'))
  socket.on('close', () => {
    console.log(`closed ${code}`)
    process.exit()
  })
  createInterface({ input: socket })
    .on('line', (line) => console.log(line))
    .on('error', () => {})
  createInterface({ input: process.stdin }).on('line', (line) => socket.write(`${line}\n`))
} else if (mode === 'load') {
  const [host, port, ms, width] = args
  const until = performance.now() + Number(ms)
  const failed: Record<string, number> = {}
  let ok = 0
  await Promise.all(
    Array.from({ length: Number(width) }, async () => {
      while (performance.now() < until) {
        const answer = await ask(host, Number(port), 5_000)
        if (answer.endsWith(' hello')) ok++
        else failed[answer] = (failed[answer] ?? 0) + 1
      }
    }),
  )
  console.log(JSON.stringify({ ok, failed }))
  process.exit()
}

function ask(host: string, port: number, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true }, () => socket.write('hello\n'))
    socket.setTimeout(timeoutMs, () => done('TIMEOUT'))
    const done = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? 'ERROR'))
    socket.on('close', () => done('CLOSED'))
    createInterface({ input: socket })
      .once('line', done)
      .on('error', () => {})
  })
}
