import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type MultipartFlags, parseMultipart } from '#inspectors/waf/body/multipart.ts'

const TYPE = 'multipart/form-data; boundary=B'
const LIMITS = { parts: 10, files: 2, noFilesBytes: 1000 }

const bytesOf = (body: string): Buffer => Buffer.from(body, 'latin1')

function parse(lines: readonly string[], type = TYPE) {
  return parseMultipart(type, bytesOf(lines.join('\r\n')), LIMITS)
}

function raised(flags: MultipartFlags): string[] {
  return Object.entries(flags).flatMap(([name, isRaised]) => (isRaised === true ? name : []))
}

const PLAIN = [
  '--B',
  'Content-Disposition: form-data; name="a"',
  '',
  'one\ntwo',
  '--B',
  'Content-Disposition: form-data; name="f"; filename="x.txt"',
  'Content-Type: text/plain',
  '',
  '--not a boundary',
  '--B--',
  '',
]

test('fields, files and part headers; a correct body raises no flag but for stray dashes', () => {
  const body = parse(PLAIN)
  assert.equal(body.error, null)
  assert.deepEqual(
    body.args.map((entry) => [entry.name, entry.value]),
    [['a', 'one\ntwo']],
  )
  assert.deepEqual(
    body.files.map(({ name, fileName, content }) => [name, fileName, content.latin1]),
    [['f', 'x.txt', '--not a boundary']],
  )
  assert.deepEqual(
    body.partHeaders.map((entry) => [entry.name, entry.value]),
    [
      ['a', 'Content-Disposition: form-data; name="a"'],
      ['f', 'Content-Disposition: form-data; name="f"; filename="x.txt"'],
      ['f', 'Content-Type: text/plain'],
    ],
  )
  assert.deepEqual(raised(body.flags), ['crlfLine', 'unmatchedBoundary'])
})

const part = (...head: string[]): string[] => ['--B', ...head, '', 'v', '--B--', '']
const DISPOSITION = 'Content-Disposition: form-data; name="a"'

const FLAGS: readonly (readonly [string, readonly string[], string?])[] = [
  ['dataBefore', ['preamble', ...part(DISPOSITION)]],
  ['dataAfter', [...part(DISPOSITION), 'epilogue']],
  ['headerFolding', part(DISPOSITION, 'X: a', ' b')],
  ['invalidHeaderFolding', part(' folded', DISPOSITION)],
  ['lfLine', ['--B', `${DISPOSITION}\n`, 'v', '--B--', '']],
  ['missingSemicolon', part('Content-Disposition: form-data name="a"')],
  ['invalidQuoting', part("Content-Disposition: form-data; name='a'")],
  ['invalidPart', part('X: no disposition')],
  ['invalidPart', ['--B', DISPOSITION, '--B--', '']],
  ['boundaryQuoted', part(DISPOSITION), 'multipart/form-data; boundary="B"'],
  ['boundaryWhitespace', part(DISPOSITION), 'multipart/form-data; boundary = B'],
  ['unmatchedBoundary', ['--C', ...part(DISPOSITION)]],
]

test('each oddity raises its flag', () => {
  for (const [flag, lines, type] of FLAGS) {
    const body = parse(lines, type)
    assert.ok(raised(body.flags).includes(flag), `${flag}: ${raised(body.flags).join()}`)
  }
})

const ERRORS: readonly (readonly [RegExp, readonly string[], string?])[] = [
  [/final boundary is missing/, ['--B', DISPOSITION, '', 'v']],
  [/two names/, part('Content-Disposition: form-data; name="a"; name="b"')],
  [/two file names/, part(`${DISPOSITION}; filename="a"; filename="b"`)],
  [/parameter "filename\*"/, part(`${DISPOSITION}; filename*=UTF-8''a.php`)],
  [/parameter "filename\*0"/, part(`${DISPOSITION}; filename*0="a"`)],
  [/quotation mark is not closed/, part('Content-Disposition: form-data; name="a')],
  [/not form-data/, part('Content-Disposition: attachment; name="a"')],
  [/without a name/, part('Content-Disposition: form-data; filename="a"')],
  [/contains invalid character/, part(DISPOSITION, 'X Y: z')],
  [/colon missing/, part(DISPOSITION, 'nonsense')],
  [/duplicate part header/, part(DISPOSITION, DISPOSITION)],
  [/NUL byte/, part(`${DISPOSITION}\0`)],
  [/characters after it/, ['--Bx', DISPOSITION, '', 'v', '--B--', '']],
  [/boundary is missing/, part(DISPOSITION), 'multipart/form-data'],
  [/several boundaries/, part(DISPOSITION), 'multipart/form-data; boundary=A; boundary=B'],
  [/boundary in Content-Type is empty/, part(DISPOSITION), 'multipart/form-data; boundary='],
  [
    /more than 10 parts/,
    [...Array<string[]>(11).fill(part(DISPOSITION).slice(0, 4)), ['--B--']].flat(),
  ],
]

test('what servers may read differently is an error', () => {
  for (const [error, lines, type] of ERRORS) assert.match(parse(lines, type).error ?? '', error)
})

test('a file name given in a way that is refused is inspected all the same', () => {
  const body = parse(part(`${DISPOSITION}; filename*=UTF-8''shell.php`))
  assert.equal(body.files[0]?.fileName, "UTF-8''shell.php")
})

test('files beyond the limit raise their flag, fields beyond theirs are told', () => {
  const file = ['--B', `${DISPOSITION}; filename="f"`, '', 'v']
  assert.ok(parse([...file, ...file, ...file, '--B--', '']).flags.fileLimitExceeded)
  const field = ['--B', DISPOSITION, '', 'x'.repeat(1001), '--B--', '']
  assert.equal(parse(field).isOverNoFilesLimit, true)
})

test('never throws, and reads back what a correct writer wrote', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), fc.string(), (body, type) => {
      parseMultipart(type, bytesOf(body), LIMITS)
      parseMultipart(TYPE, bytesOf(`--B\r\n${body}`), LIMITS)
    }),
  )
  const value = fc.string({ unit: 'binary-ascii' }).filter((text) => !text.includes('--B'))
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
      const lines = values.flatMap((text) => ['--B', DISPOSITION, '', text])
      const body = parse([...lines, '--B--', ''])
      assert.equal(body.error, null)
      assert.deepEqual(
        body.args.map((entry) => entry.value),
        values,
      )
    }),
  )
})
