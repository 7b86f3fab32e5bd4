import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { createInterface } from 'node:readline'
import { encodeQuestion, readAnswer } from './name-messages.ts'

/**
 * Asks names, inside a guest. Each line of standard input is `SERVER PORT NAME MS`; the answer is a line
 * `TEXT | BYTES`, or `TIMEOUT`. All questions come from one port for each family, as a resolver's do.
 *
 * usage: ask-name.ts SOURCE_PORT
 */
const sourcePort = Number(process.argv[2])
const waiting = new Map<number, (answer: string) => void>()
const socketOf = (family: 'udp4' | 'udp6') => {
  const socket = createSocket({ type: family, ipv6Only: family === 'udp6' })
  socket.on('message', (message: Buffer) => {
    const { text, bytes } = readAnswer(message)
    waiting.get(message.readUInt16BE(0))?.(`${text} | ${bytes}`)
  })
  socket.on('error', () => {})
  socket.bind(sourcePort)
  return socket
}
const sockets = { udp4: socketOf('udp4'), udp6: socketOf('udp6') }
let id = 0

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [server, port, name, ms] = line.split(' ')
    const own = ++id & 0xffff
    const timer = setTimeout(() => done('TIMEOUT'), Number(ms))
    const done = (answer: string): void => {
      clearTimeout(timer)
      if (waiting.delete(own)) console.log(answer)
    }
    waiting.set(own, done)
    const question = encodeQuestion(name, own)
    sockets[isIPv6(server) ? 'udp6' : 'udp4'].send(question, Number(port), server)
  })
  .on('close', () => process.exit())
console.log('ready')
