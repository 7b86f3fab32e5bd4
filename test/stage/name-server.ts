import { createSocket, type RemoteInfo } from 'node:dgram'
import { encodeAnswer, nameOf } from './name-messages.ts'

/**
 * A name server for tests: every question is answered with a TXT record that says who asked, `ADDRESS PORT`,
 * and, where the name begins with `large`, with as much after it as needs fragments.
 *
 * usage: name-server.ts PORT; prints `listening` when it does
 */

const LARGE_BYTES = 3_000

const port = Number(process.argv[2])
for (const family of ['udp4', 'udp6'] as const) {
  const socket = createSocket({ type: family, ipv6Only: family === 'udp6' })
  socket.on('message', (question: Buffer, from: RemoteInfo) => {
    const name = nameOf(question)
    const padding = name.startsWith('large') ? 'x'.repeat(LARGE_BYTES) : ''
    // A token in the answer, for rules about answers.
    const word = name.startsWith('leak') ? ' leaked-secret' : ''
    const answer = encodeAnswer(question, `${from.address} ${from.port}${word}`, padding)
    socket.send(answer, from.port, from.address)
  })
  socket.bind(port, () => {
    if (family === 'udp6') console.log('listening')
  })
}
