import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { sortSpoolSegments } from '#chain/model/spool.ts'
import { AuditLog, MAX_PENDING_BYTES } from '#inspectors/spool/audit-log.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-audit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a named file gets every entry, whatever its format', (t) => {
  const file = join(folderOf(t), 'audit.log')
  const log = new AuditLog({ place: { file }, pid: 7, now: () => 1 })
  log.write('native', 'one\n')
  log.write('json', '{}\n')
  log.flush()
  log.write('native', 'two\n')
  log.close()
  assert.deepEqual(readFileSync(file, 'utf8').split('\n').sort(), ['', 'one', 'two', '{}'])
})

test('files of a folder are rotated, kept within the bound, and are no alert segments', (t) => {
  const folder = folderOf(t)
  let now = 1000
  const log = new AuditLog({
    place: { folder },
    pid: 7,
    now: () => (now += 1),
    fileBytes: 100,
    folderBytes: 350,
  })
  for (let index = 0; index < 20; index += 1) {
    log.write('json', `${String(index).padStart(59, '0')}\n`)
    log.flush()
  }
  log.write('native', 'other\n')
  log.close()
  const names = readdirSync(folder)
  const text = names.map((name) => readFileSync(join(folder, name), 'utf8')).join('')
  assert.ok(text.length <= 350 + 60, `${text.length} bytes`)
  assert.ok(text.includes('19\n'))
  assert.ok(!text.includes('00\n'))
  assert.deepEqual(
    names.filter((name) => !/^audit-\d+-7-\d+\.(json|log)$/.test(name)),
    [],
  )
  assert.deepEqual(sortSpoolSegments(names), [])
})

test('a folder that is gone and a flood cost entries, which are counted', (t) => {
  const folder = folderOf(t)
  const log = new AuditLog({ place: { folder: join(folder, 'sub') }, pid: 7, now: () => 1 })
  rmSync(join(folder, 'sub'), { recursive: true })
  log.write('json', '{}\n')
  log.flush()
  assert.equal(log.failedEntries, 1)
  log.write('json', 'x'.repeat(MAX_PENDING_BYTES))
  log.write('json', 'y')
  assert.equal(log.failedEntries, 2)
})
