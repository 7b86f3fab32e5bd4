import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Ids, createIds } from '#inspectors/ids/ids.ts'
import { idsOf, play, recut, toClient, toServer } from '../drive.ts'

const TCP = 'alert tcp any any -> any any'
const CONTENT = 'file content, the same for all'
const md5 = createHash('md5').update(CONTENT).digest('hex')
const sha256 = createHash('sha256').update(CONTENT).digest('hex')

const part = (name: string, content: string): string =>
  `--b\r\nContent-Disposition: form-data; name="u"; filename="${name}"\r\n\r\n${content}\r\n`
const FORM = `${part('first.PNG', 'short')}${part('second.exe', CONTENT)}--b--\r\n`
const UPLOAD = toServer(
  `POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: ${FORM.length}\r\n\r\n${FORM}`,
)
const packed = gzipSync(CONTENT).toString('latin1')
const DOWNLOAD = [
  toServer('GET /dir/report.pdf?x=1 HTTP/1.1\r\nHost: a\r\n\r\n'),
  toClient(
    `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n${packed}`,
  ),
]

describe('file keywords', () => {
  const rows: readonly (readonly [string, number, number])[] = [
    // options; alerts of the upload of two files; alerts of the download
    ['filename:"SECOND"', 1, 0],
    ['filename:"report"', 0, 1],
    ['filename:!"second"', 1, 1],
    ['fileext:"png"', 1, 0],
    ['fileext:"pn"', 0, 0],
    ['fileext:"pdf"; filename:"dir"', 0, 1],
    // both keywords are asked of one file
    ['filename:"first"; fileext:"exe"', 0, 0],
    ['filesize:5', 1, 0],
    [`filesize:${CONTENT.length}`, 1, 1],
    ['filesize:>4', 2, 1],
    ['filesize:4<>6', 1, 0],
    ['filesize:>10; flow:to_client', 0, 1],
    ['filestore', 2, 1],
    ['filestore:response,file', 0, 1],
    ['http.method; content:"POST"; filesize:<10', 1, 0],
    ['http.method; content:"PUT"; filesize:<10', 0, 0],
  ]
  for (const [options, upload, download] of rows)
    it(`${options}: ${upload} of the upload, ${download} of the download`, () => {
      const ids = idsOf(`${TCP} (${options}; sid:1;)`)
      for (const lengths of [[100_000], [7]]) {
        assert.equal(play(ids, recut([UPLOAD], lengths)).sids.length, upload)
        assert.equal(play(ids, recut(DOWNLOAD, lengths)).sids.length, download)
      }
    })

  it('tells the file in the alert', () => {
    const { alerts } = play(idsOf(`${TCP} (fileext:"exe"; filesize:>20; sid:1;)`), [UPLOAD])
    assert.deepEqual(
      alerts.map(({ files }) => files?.map(({ name }) => name)),
      [['second.exe']],
    )
  })

  it('drops before the last byte of a file that is on a list goes on', () => {
    const ids = idsOf('drop http any any -> any any (fileext:"exe"; sid:1;)')
    const { dropped, seen } = play(ids, recut([UPLOAD], [10]))
    assert.ok(dropped && seen.to_server < UPLOAD.bytes.length - CONTENT.length)
  })
})

describe('lists of sums', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-lists-'))
    writeFileSync(join(folder, 'bad.md5'), `# comment\n${md5.toUpperCase()}  evil.exe\n`)
    writeFileSync(join(folder, 'bad.sha256'), `${'0'.repeat(64)}\n${sha256}\n`)
    symlinkSync('/etc/hostname', join(folder, 'link'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const load = (rules: string): Ids => {
    writeFileSync(join(folder, 'test.rules'), rules)
    return createIds({ mode: 'block', rulePaths: [join(folder, 'test.rules')] })
  }

  it('match whole files', () => {
    const ids = load(
      `${TCP} (filemd5:bad.md5; sid:1;)\n${TCP} (filesha256:bad.sha256; sid:2;)\n${TCP} (filemd5:!bad.md5; sid:3;)`,
    )
    assert.deepEqual(new Set(play(ids, [UPLOAD]).sids), new Set([1, 2, 3]))
    assert.deepEqual(play(ids, recut(DOWNLOAD, [5])).sids, [1, 2])
  })

  it('reject the rule when they cannot be read or lie elsewhere', () => {
    const ids = load(
      `${TCP} (content:"a"; sid:9;)\n${TCP} (filemd5:absent; sid:1;)\n${TCP} (filemd5:../up; sid:2;)\n` +
        `${TCP} (filemd5:/etc/passwd; sid:3;)\n${TCP} (filemd5:link; sid:4;)`,
    )
    assert.deepEqual(
      ids.warnings.map(({ sid, code, line }) => [sid, code, line]),
      [
        [2, 'bad-argument', 3],
        [3, 'bad-argument', 4],
        [1, 'missing-data', 2],
        [4, 'missing-data', 5],
      ],
    )
  })
})
