import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import tar, { type Header } from 'tar-stream'
import {
  MAX_BUNDLE_ENTRIES,
  MAX_BUNDLE_DEPTH,
  unpackBundle,
} from '#steering/agent/unpack-bundle.ts'

type Entry = Partial<Header> & { name: string }

let root = ''
let folder = ''
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'portcullis-unpack-'))
})
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'in-'))
})
after(() => rm(root, { recursive: true, force: true }))

async function archive(entries: readonly [Entry, string?][]): Promise<Buffer> {
  const pack = tar.pack()
  const bytes = buffer(pack)
  for (const [header, text] of entries) pack.entry(header, text ?? '')
  pack.finalize()
  return gzipSync(await bytes)
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort()
}

test('unpacks files and folders, readable by everybody and executable by nobody', async () => {
  const bytes = await archive([
    [{ name: 'rules/', type: 'directory' }],
    [{ name: './rules/a.conf', mode: 0o4777, uid: 7 }, 'SecRuleEngine On\n'],
    [{ name: 'deep/er/b.data' }, 'x'],
  ])
  await unpackBundle(bytes, folder)
  assert.deepEqual(await filesOf(folder), ['deep/er/b.data', 'rules/a.conf'])
  assert.equal(await readFile(join(folder, 'rules/a.conf'), 'utf8'), 'SecRuleEngine On\n')
  assert.equal((await stat(join(folder, 'rules/a.conf'))).mode & 0o7777, 0o644)
})

const HOSTILE: readonly [what: string, Entry, RegExp][] = [
  ['a way out', { name: '../escape' }, /not allowed/],
  ['a way out further in', { name: 'a/../../escape' }, /not allowed/],
  ['an absolute path', { name: '/etc/escape' }, /absolute/],
  ['a hidden name', { name: '.ssh/authorized_keys' }, /not allowed/],
  ['a control character', { name: 'a\u0007b' }, /not allowed/],
  ['a symbolic link', { name: 'link', type: 'symlink', linkname: '/etc/passwd' }, /symlink/],
  ['a hard link', { name: 'link', type: 'link', linkname: 'a' }, /link is not allowed/],
  ['a device', { name: 'null', type: 'character-device' }, /character-device/],
  ['a pipe', { name: 'pipe', type: 'fifo' }, /fifo/],
  ['too deep a name', { name: 'd/'.repeat(MAX_BUNDLE_DEPTH) + 'f' }, /too deep/],
]
for (const [what, header, why] of HOSTILE) {
  test(`refuses ${what}`, async () => {
    const bytes = await archive([[{ name: 'a' }, 'x'], [header]])
    await assert.rejects(unpackBundle(bytes, folder), (error: Error & { code: string }) => {
      assert.equal(error.code, 'BUNDLE_INVALID')
      assert.match(error.message, why)
      return true
    })
    assert.deepEqual(await filesOf(folder), ['a'])
    assert.ok(!(await readdir(root)).includes('escape'))
  })
}

test('refuses a name that is there twice, an empty archive and one with too many entries', async () => {
  const twice = await archive([
    [{ name: 'a' }, 'x'],
    [{ name: './a' }, 'y'],
  ])
  await assert.rejects(unpackBundle(twice, folder), /twice/)
  await assert.rejects(unpackBundle(await archive([]), folder), /no file/)
  const many = Array.from({ length: MAX_BUNDLE_ENTRIES + 1 }, (): [Entry] => [
    { name: 'd', type: 'directory' },
  ])
  await assert.rejects(unpackBundle(await archive(many), folder), /one too many/)
})

test('refuses an archive that is cut off', async () => {
  const bytes = await archive([[{ name: 'a' }, 'x'.repeat(600)]])
  await assert.rejects(unpackBundle(bytes.subarray(0, bytes.length - 20), folder), /bundle:/)
})

test('ends with an error, never with a crash, whatever the bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2048 }), fc.boolean(), async (bytes, zip) => {
      const target = await mkdtemp(join(root, 'fuzz-'))
      await assert.rejects(unpackBundle(zip ? gzipSync(bytes) : bytes, target), /bundle:/)
    }),
    { numRuns: 100 },
  )
})
