import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { packBundle } from '#signatures/bundle/pack-bundle.ts'
import { run } from './terminal.ts'

const root = mkdtempSync(join(tmpdir(), 'portcullis-check-'))
after(() => rmSync(root, { recursive: true }))

function write(path: string, text: string | Buffer): string {
  const full = join(root, path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, text)
  return full
}

const GOOD = 'SecRule ARGS "@rx a" "id:1,phase:2,deny"\n'

describe('signatures check', () => {
  test('a good file: status 0 and one line', async () => {
    const path = write('good/a.conf', GOOD)
    assert.deepEqual(await run(['check', path]), {
      status: 0,
      out: '1 rule accepted, 0 rejected (1 rule file)\n',
      err: '',
    })
  })

  test('a rejected rule: status 4, place, caret and reason', async () => {
    const path = write('bad/a.conf', `${GOOD}SecRule ARGS "@rxx a" "id:2,phase:2,deny"\n`)
    const { status, out } = await run(['check', path])
    assert.equal(status, 4)
    const [first, excerpt, caret] = out.split('\n')
    assert.match(first, /a\.conf:2:15: unknown operator "@rxx".* \[SECLANG_UNKNOWN_OPERATOR\]$/)
    assert.equal(excerpt, '  SecRule ARGS "@rxx a" "id:2,phase:2,deny"')
    assert.equal(caret.indexOf('^') - 2, 'SecRule ARGS "'.length)
  })

  test('equal reasons are shown once, with a count', async () => {
    const rules = Array.from({ length: 30 }, () => 'SecBogus On\n').join('')
    const path = write('many/a.conf', rules)
    const { out } = await run(['check', path])
    assert.equal(out.match(/unknown directive/g)?.length, 1)
    assert.match(out, /the same in 29 other places: .*a\.conf:2:1, .*and 24 more/)
    assert.match(out, /0 rules accepted, 30 rejected/)
    const all = await run(['check', '--all', path])
    assert.match(all.out, /a\.conf:30:1/)
  })

  test('--json: the last line is one object', async () => {
    const path = write('json/a.conf', `${GOOD}SecBogus On\n`)
    const { status, out } = await run(['check', '--json', path])
    const report = JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown>
    assert.equal(status, 4)
    assert.deepEqual(
      [report['accepted'], report['rejected'], report['disabled'], report['byReason']],
      [1, 1, 0, { SECLANG_UNKNOWN_DIRECTIVE: 1 }],
    )
    const [rejection] = report['rejections'] as readonly Record<string, unknown>[]
    assert.deepEqual([rejection['file'], rejection['line'], rejection['column']], [path, 2, 1])
  })

  test('escape sequences in a rule do not reach the terminal', async () => {
    const path = write('esc/a.conf', 'SecRule ARGS "@\x1b[31mred\x07" "id:1,phase:2,deny"\n')
    const { out } = await run(['check', path])
    assert.ok(!out.includes('\x1b') && !out.includes('\x07'))
  })

  test('colours on a terminal, none elsewhere', async () => {
    const path = write('color/a.conf', 'SecBogus On\n')
    assert.ok(!(await run(['check', path])).out.includes('\x1b'))
    assert.ok((await run(['check', path], { color: true })).out.includes('\x1b[31m'))
  })

  test('progress goes to a terminal only and leaves the line empty', async () => {
    const path = write('progress/a.conf', GOOD)
    assert.equal((await run(['check', path])).err, '')
    const { err } = await run(['check', path], { isTTY: true })
    assert.match(err, /checking 1 file/)
    assert.ok(err.endsWith('\r\u001b[K'))
  })

  test('a folder, a file with its data files and an archive read alike', async () => {
    const rules = 'SecRule ARGS "@pmFromFile words.data" "id:1,phase:2,deny"\n'
    const path = write('set/rules/a.conf', rules)
    write('set/rules/words.data', 'x\n')
    const bundle = await packBundle([
      { path: 'top/rules/a.conf', bytes: Buffer.from(rules) },
      { path: 'top/rules/words.data', bytes: Buffer.from('x\n') },
    ])
    const archive = write('set.tar.gz', bundle.bytes)
    for (const source of [join(root, 'set'), path, archive]) {
      assert.equal((await run(['check', source])).status, 0, source)
    }
  })

  test('several paths are one report', async () => {
    const paths = [write('two/a.conf', GOOD), write('two/b.conf', `${GOOD}SecBogus\n`)]
    const { status, out } = await run(['check', ...paths])
    assert.equal(status, 4)
    assert.match(out, /2 rules accepted, 1 rejected \(2 rule files\)/)
  })

  test('hidden files and links to folders are left out; links to files are read', async () => {
    write('links/real/a.conf', GOOD)
    write('links/set/.hidden/b.conf', 'SecBogus\n')
    symlinkSync(join(root, 'links/real'), join(root, 'links/set/loop'))
    symlinkSync(join(root, 'links/real/a.conf'), join(root, 'links/set/a.conf'))
    const { out } = await run(['check', join(root, 'links/set')])
    assert.equal(out, '1 rule accepted, 0 rejected (1 rule file)\n')
  })

  test('a folder that workers do not read is told', async () => {
    write('unread/a.conf', GOOD)
    write('unread/deep/b.conf', 'SecBogus\n')
    const { status, err } = await run(['check', join(root, 'unread')])
    assert.equal(status, 0)
    assert.match(err, /not read: 1 file, deep\/b\.conf first/)
  })

  test('what cannot be read: status 1, and why', async () => {
    const missing = await run(['check', join(root, 'nowhere')])
    assert.deepEqual([missing.status, missing.out], [1, ''])
    assert.match(missing.err, /nowhere: no such file or folder\n$/)
    const other = await run(['check', write('other/a.txt', 'x')])
    assert.equal(other.status, 1)
    assert.match(other.err, /not \*\.conf/)
    mkdirSync(join(root, 'empty'))
    assert.equal((await run(['check', join(root, 'empty')])).status, 1)
  })

  test('an archive that is refused: status 5', async () => {
    const { status, err } = await run(['check', write('broken.tar.gz', 'not gzip')])
    assert.equal(status, 5)
    assert.match(err, /not gzip/)
  })

  test('Ctrl-C while it parses: status 130 and no report', async () => {
    const signal = AbortSignal.abort()
    const { status, out } = await run(['check', write('int/a.conf', GOOD)], { signal })
    assert.deepEqual([status, out], [130, ''])
  })

  test('wrong usage: status 2 and a suggestion', async () => {
    const { status, err } = await run(['chekc', 'x'])
    assert.equal(status, 2)
    assert.match(err, /Did you mean check/)
    assert.equal((await run(['check'])).status, 2)
    assert.equal((await run(['check', '--nonsense', 'x'])).status, 2)
  })

  test('--help: status 0, with examples', async () => {
    const { status, out } = await run(['--help'])
    assert.equal(status, 0)
    assert.match(out, /Examples:[\s\S]+Exit status:/)
  })
})
