import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { EveFile } from '#inspectors/ids/capture/eve/eve-file.ts'

describe('a file of records', () => {
  it('has a line for each, in order, however many are written at once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-eve-'))
    try {
      const path = join(folder, 'eve.json')
      const descriptor = openSync(path, 'w')
      const file = new EveFile(descriptor)
      const records = Array.from({ length: 3000 }, (_, index) => ({
        index,
        text: 'é'.repeat(index % 90),
      }))
      for (const record of records) file.write(record)
      file.flush()
      file.flush()
      closeSync(descriptor)
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
      assert.deepEqual(
        lines.map((line) => JSON.parse(line)),
        records,
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
