import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import tar, { type Header } from 'tar-stream'
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES } from '#signatures/bundle/bundle.ts'
import { packBundle } from '#signatures/bundle/pack-bundle.ts'
import { rulePath } from '#signatures/bundle/rule-path.ts'
import { selectRuleFiles } from '#signatures/bundle/select-rule-files.ts'
import { unpackBundle } from '#signatures/bundle/unpack-bundle.ts'
import type { RuleFile } from '#signatures/check/rule-report.ts'

const file = (path: string, text = path): RuleFile => ({ path, bytes: Buffer.from(text) })

/** A tar.gz with whatever entries; `packBundle` could not make it. */
async function archive(entries: readonly (Partial<Header> & { name: string })[]): Promise<Buffer> {
  const pack = tar.pack()
  for (const entry of entries) {
    if (entry.type === undefined) pack.entry(entry, 'x')
    else pack.entry({ ...entry, size: 0 }, '')
  }
  pack.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of pack) chunks.push(chunk as Buffer)
  return gzipSync(Buffer.concat(chunks))
}

describe('packBundle and unpackBundle', () => {
  test('what was packed comes out, sorted, whatever the order it went in', async () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,12}$/)
    const path = fc
      .array(segment, { minLength: 1, maxLength: 3 })
      .map((each) => `d/${each.join('/')}.conf`)
    const files = fc.uniqueArray(fc.record({ path, bytes: fc.uint8Array({ maxLength: 600 }) }), {
      selector: (each) => each.path,
      minLength: 1,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(files, async (input) => {
        const bundle = await packBundle(input)
        const again = await packBundle([...input].reverse())
        assert.equal(again.sha256, bundle.sha256)
        const out = await unpackBundle(bundle.bytes)
        const sorted = [...input].sort((left, right) => (left.path < right.path ? -1 : 1))
        assert.deepEqual(
          out.map((each) => [each.path, Buffer.from(each.bytes).toString('hex')]),
          sorted.map((each) => [each.path, Buffer.from(each.bytes).toString('hex')]),
        )
      }),
      { numRuns: 50 },
    )
  })

  test('the version is the beginning of the hash, and content decides it', async () => {
    const one = await packBundle([file('a.conf', '1')])
    const two = await packBundle([file('a.conf', '2')])
    assert.equal(one.version, one.sha256.slice(0, 16))
    assert.notEqual(one.version, two.version)
  })

  test('no time, owner or mode of this machine is in it', async () => {
    const { bytes } = await packBundle([file('a.conf')])
    const header = gunzipSync(bytes).subarray(0, 512).toString('latin1')
    assert.equal(header.slice(100, 108), '000644 \0')
    assert.equal(header.slice(136, 148), '00000000000 ')
  })

  for (const [why, path] of [
    ['hidden', '.git/config.conf'],
    ['escaping', '../a.conf'],
    ['absolute', '/a.conf'],
    ['not canonical', 'a//b.conf'],
    ['with a line end', 'a\nb.conf'],
  ] as const) {
    test(`packing refuses a name that is ${why}`, async () => {
      await assert.rejects(packBundle([file(path)]), { code: 'BUNDLE_INVALID' })
    })
  }

  test('packing refuses nothing, twice the same and too many', async () => {
    await assert.rejects(packBundle([]), /no file/)
    await assert.rejects(packBundle([file('a.conf'), file('a.conf')]), /twice/)
    const many = Array.from({ length: MAX_BUNDLE_FILES + 1 }, (_, at) => file(`${at}.conf`))
    await assert.rejects(packBundle(many), /more than/)
  })
})

describe('hostile archives', () => {
  const CASES: Readonly<Record<string, readonly [Partial<Header> & { name: string }, RegExp]>> = {
    'a path that leaves': [{ name: '../../etc/cron.d/x' }, /leaves the bundle/],
    'a path that leaves from within': [{ name: 'rules/../../x.conf' }, /leaves the bundle/],
    'an absolute path': [{ name: '/etc/x.conf' }, /not relative/],
    'a backslash': [{ name: '..\\x.conf' }, /not relative/],
    'a symbolic link': [{ name: 'a.conf', type: 'symlink', linkname: '/etc/passwd' }, /symlink/],
    'a hard link': [{ name: 'a.conf', type: 'link', linkname: 'b.conf' }, /link is not allowed/],
    'a device': [{ name: 'a.conf', type: 'character-device' }, /character-device/],
    'a named pipe': [{ name: 'a.conf', type: 'fifo' }, /fifo/],
    'a name with an escape sequence': [{ name: 'a\x1b[2J.conf' }, /characters other than/],
    'a name that is too long': [{ name: `${'x'.repeat(300)}.conf` }, /too long/],
    'folders nested too deeply': [{ name: `${'d/'.repeat(20)}a.conf` }, /nested too deeply/],
  }
  for (const [name, [entry, reason]] of Object.entries(CASES)) {
    test(`${name} refuses the whole archive`, async () => {
      const bytes = await archive([{ name: 'good.conf' }, entry])
      await assert.rejects(unpackBundle(bytes), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'BUNDLE_INVALID')
        assert.match(error.message, reason)
        return true
      })
    })
  }

  test('a path twice, however it is written', async () => {
    await assert.rejects(
      unpackBundle(await archive([{ name: 'a.conf' }, { name: './a.conf' }])),
      /twice/,
    )
  })

  test('a file in the way of a folder', async () => {
    await assert.rejects(
      unpackBundle(await archive([{ name: 'a' }, { name: 'a/b.conf' }])),
      /in the way/,
    )
  })

  test('too many entries', async () => {
    const entries = Array.from({ length: MAX_BUNDLE_FILES + 1 }, (_, at) => ({
      name: `${at}.conf`,
    }))
    await assert.rejects(unpackBundle(await archive(entries)), /more than 4096 files/)
  })

  test('a bomb is not inflated beyond the bound', async () => {
    const bomb = gzipSync(Buffer.alloc(160 * 1024 * 1024))
    assert.ok(bomb.length < 1024 * 1024)
    const before = process.memoryUsage().rss
    await assert.rejects(unpackBundle(bomb), /bytes unpacked/)
    assert.ok(process.memoryUsage().rss - before < 400 * 1024 * 1024)
  })

  test('more bytes than a bundle may have, no gzip, no tar, nothing in it', async () => {
    await assert.rejects(unpackBundle(Buffer.alloc(MAX_BUNDLE_BYTES + 1)), /more than/)
    await assert.rejects(unpackBundle(Buffer.from('SecRule')), /not gzip/)
    await assert.rejects(
      unpackBundle(gzipSync(Buffer.from('SecRule'.repeat(200)))),
      /not a tar|no file/,
    )
    await assert.rejects(
      unpackBundle(await archive([{ name: 'd/', type: 'directory' }])),
      /no file/,
    )
  })

  test('an archive that is cut off', async () => {
    const { bytes } = await packBundle([file('a.conf', 'x'.repeat(5_000))])
    await assert.rejects(unpackBundle(bytes.subarray(0, bytes.length - 20)), {
      code: 'BUNDLE_INVALID',
    })
    const half = gzipSync(gunzipSync(bytes).subarray(0, 1_024))
    await assert.rejects(unpackBundle(half), { code: 'BUNDLE_INVALID' })
  })

  test('arbitrary bytes are refused, not thrown over', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (noise) => {
        await assert.rejects(unpackBundle(gzipSync(noise)), { code: 'BUNDLE_INVALID' })
      }),
      { numRuns: 100 },
    )
  })

  test('hidden files are left out, folders are no files', async () => {
    const bytes = await archive([
      { name: 'rules/', type: 'directory' },
      { name: 'rules/a.conf' },
      { name: '.github/x.yml' },
    ])
    assert.deepEqual(
      (await unpackBundle(bytes)).map((each) => each.path),
      ['rules/a.conf'],
    )
  })
})

describe('rulePath', () => {
  test('whatever it accepts stays below the folder', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const read = rulePath(name)
        if (!read.ok) return
        assert.doesNotMatch(read.path, /(?:^|\/)\.\.(?:\/|$)|^\/|\\|\0/)
      }),
    )
  })
})

describe('selectRuleFiles', () => {
  test('an upstream archive becomes a rule set', () => {
    const { files, leftOut, top, notes } = selectRuleFiles(
      [
        'coreruleset-4.28.0/rules/a.conf',
        'coreruleset-4.28.0/rules/a.data',
        'coreruleset-4.28.0/crs-setup.conf.example',
        'coreruleset-4.28.0/LICENSE',
        'coreruleset-4.28.0/tests/regression/x.yaml',
        'coreruleset-4.28.0/tests/nginx.conf',
        'coreruleset-4.28.0/util/find.py',
      ].map((path) => file(path)),
    )
    assert.deepEqual(
      files.map((each) => each.path),
      ['LICENSE', 'crs-setup.conf', 'crs-setup.conf.example', 'rules/a.conf', 'rules/a.data'],
    )
    assert.equal(leftOut, 3)
    assert.equal(top, 'coreruleset-4.28.0/')
    assert.equal(notes.length, 1)
  })

  test('a setup of the user stays, and rules/ is no top folder', () => {
    const own = [
      file('crs-setup.conf', 'mine'),
      file('crs-setup.conf.example'),
      file('rules/a.conf'),
    ]
    const { files, notes } = selectRuleFiles(own)
    assert.equal(Buffer.from(files[0].bytes).toString(), 'mine')
    assert.deepEqual(notes, [])
    assert.equal(selectRuleFiles([file('rules/a.conf')]).top, '')
  })

  test('files with data that Suricata rules name come along', () => {
    const { files } = selectRuleFiles([
      file(
        'rules/a.rules',
        'alert http any any -> any any (filemd5:!lists/good.md5; http.host; dataset:isset,h,type string,load h.csv; sid:1;)',
      ),
      file('rules/lists/good.md5'),
      file('rules/h.csv'),
      file('rules/other.csv'),
    ])
    assert.deepEqual(
      files.map(({ path }) => path),
      ['rules/a.rules', 'rules/h.csv', 'rules/lists/good.md5'],
    )
  })
})
