import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readCases } from './markdown-fixture.ts'
import { byteByByte, traceOf } from './trace.ts'

const FOLDER = new URL('../../fixtures/http/', import.meta.url)

for (const file of readdirSync(FOLDER).sort()) {
  describe(`fixtures/http/${file}`, () => {
    for (const { name, turns, events } of readCases(new URL(file, FOLDER))) {
      test(name, () => {
        assert.deepEqual(traceOf(turns), events, 'in one piece per turn')
        assert.deepEqual(traceOf(turns, {}, byteByByte), events, 'byte by byte')
        turns.forEach((turn, index) => {
          for (let at = 1; at < (turn.bytes?.length ?? 0); at++) {
            const cut = (bytes: Buffer, current: number) =>
              current === index ? [bytes.subarray(0, at), bytes.subarray(at)] : [bytes]
            assert.deepEqual(traceOf(turns, {}, cut), events, `turn ${index} cut at ${at}`)
          }
        })
      })
    }
  })
}
