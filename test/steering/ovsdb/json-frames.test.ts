import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RpcError } from '#steering/ovsdb/errors.ts'
import { JsonFrames } from '#steering/ovsdb/json-frames.ts'

const message = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue())

test('finds the texts however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      fc.constantFrom('', '\n', ' \t'),
      (messages, sizes, between) => {
        const stream = Buffer.from(messages.map((one) => JSON.stringify(one) + between).join(''))
        const frames = new JsonFrames()
        const found: unknown[] = []
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1
          for (const text of frames.push(stream.subarray(at, at + size)))
            found.push(JSON.parse(text))
          at += size
        }
        assert.deepEqual(found, JSON.parse(JSON.stringify(messages)))
      },
    ),
  )
})

test('refuses what is no object, and what is too long', () => {
  assert.throws(() => new JsonFrames().push(Buffer.from('{}x')), isProtocolError)
  assert.throws(() => new JsonFrames().push(Buffer.from('"text"')), isProtocolError)
  const frames = new JsonFrames(100)
  assert.deepEqual(frames.push(Buffer.from('{"a": [')), [])
  assert.throws(() => {
    for (let turn = 0; turn < 100; turn++) frames.push(Buffer.from('1, '))
  }, isProtocolError)
})

const isProtocolError = (error: unknown): boolean =>
  error instanceof RpcError && error.code === 'PROTOCOL'
