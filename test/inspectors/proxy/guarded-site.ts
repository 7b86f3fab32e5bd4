import { PASS, type Verdict } from '#inspectors/inspector.ts'
import {
  scriptedHop,
  testAlert,
  type HopOptions,
  type Script,
} from '../chain/scripted-inspector.ts'
import { httpEcho, startProxy, startUpstream } from './harness.ts'

export const block = (id = 1, status = 403): Verdict => ({
  kind: 'block',
  status,
  alerts: [testAlert(id)],
})

/** Whose connection ends with the answer. */
export const CLOSE = 'Connection: close'

export const get = (target: string, ...headers: string[]): string =>
  `GET ${target} HTTP/1.1\r\n${['Host: a', ...headers].join('\r\n')}\r\n\r\n`
export const post = (target: string, body: string, ...headers: string[]): string =>
  `POST ${target} HTTP/1.1\r\n${['Host: a', `Content-Length: ${body.length}`, ...headers].join('\r\n')}\r\n\r\n${body}`

/** Blocks targets that say so; holds bodies. */
export const guard: Script = {
  requestHead: ({ request }) => (request.target.includes('attack') ? block() : PASS),
  holdsRequestBody: () => true,
}

/** A proxy with one scripted hop in front of an HTTP server that remembers what reached it. */
export async function guarded(script: Script, options: HopOptions = {}, respond = httpEcho) {
  const received: Buffer[] = []
  const upstream = await startUpstream((socket) => {
    socket.on('data', (chunk: Buffer) => received.push(chunk))
    respond(socket)
  })
  const hop = scriptedHop(script, options)
  const proxy = await startProxy(upstream.port, [hop])
  return {
    hop,
    proxy,
    upstream,
    received: () => Buffer.concat(received).toString('latin1'),
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      await upstream[Symbol.asyncDispose]()
    },
  }
}
