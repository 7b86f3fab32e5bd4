import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { guarded, post } from './guarded-site.ts'
import { connect } from './harness.ts'

test('however bytes are cut, what goes in comes out, both ways', async () => {
  let response = ''
  await using site = await guarded(
    {
      holdsRequestBody: ({ index }) => index % 2 === 0,
      holdsResponseBody: ({ index }) => index % 3 === 0,
    },
    {},
    (socket) => {
      let seen = 0
      let sent = 0
      socket.on('data', (chunk: Buffer) => {
        for (const byte of chunk) if (byte === 0x7e) seen++
        // `~` ends each request: one response for each, in odd pieces.
        while (sent < seen) {
          sent++
          const one = `HTTP/1.1 200 OK\r\nX-N: ${sent}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe\u00ffo\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n`
          response += one
          for (let at = 0; at < one.length; at += 7)
            socket.write(Buffer.from(one.slice(at, at + 7), 'latin1'))
        }
      })
      socket.on('end', () => socket.end())
    },
  )
  const body = fc.stringMatching(/^[a-z\u00e0-\u00ff&=%]{0,300}$/)
  const requestOf = (text: string, isChunked: boolean): string =>
    isChunked
      ? `POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${(text.length + 1).toString(16)}\r\n${text}~\r\n0\r\n\r\n`
      : post('/l', `${text}~`)
  let before = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(body, fc.boolean()), { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 10 }),
      async (messages, cuts) => {
        response = ''
        const bytes = messages.map(([text, isChunked]) => requestOf(text, isChunked)).join('')
        const socket = connect(site.proxy.port)
        let got = ''
        socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')))
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const next = at + (cuts[turn % cuts.length] ?? 1)
          socket.write(Buffer.from(bytes.slice(at, next), 'latin1'))
          at = next
          await new Promise((resolve) => setImmediate(resolve))
        }
        socket.end()
        await new Promise((resolve) => socket.on('close', resolve))
        assert.equal(got, response)
        assert.equal(site.received().slice(before), bytes)
        before += bytes.length
      },
    ),
    { numRuns: 60 },
  )
  assert.deepEqual(site.proxy.sink.summary, [])
})
