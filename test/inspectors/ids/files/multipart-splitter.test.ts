import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  MultipartSplitter,
  dispositionFileName,
  multipartBoundary,
} from '#inspectors/ids/files/multipart-splitter.ts'

interface Part {
  name: string | null
  text: string
  isWhole: boolean
}

/** Parts of a body that comes in pieces of these lengths, taken in turn. */
function split(body: string, boundary: string, lengths: readonly number[]): Part[] {
  const parts: Part[] = []
  const splitter = new MultipartSplitter(boundary, {
    begin: (name) => parts.push({ name, text: '', isWhole: false }),
    data: (bytes) => {
      parts.at(-1)!.text += bytes.toString('latin1')
    },
    end: (isWhole) => {
      parts.at(-1)!.isWhole = isWhole
    },
  })
  const bytes = Buffer.from(body, 'latin1')
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length]
    splitter.push(bytes.subarray(at, at + length))
    at += length
  }
  splitter.end()
  return parts
}

const FORM =
  'preamble\r\n--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nvalue\r\n' +
  '--b\r\nContent-Type: image/png\r\ncontent-disposition: form-data; name="u"; filename="a \\"b\\".png"\r\n\r\n' +
  'PNG--bb\r\n--\r\n\r\n--b\r\nX: y\r\n\r\n\r\n--b--\r\nepilogue'

const PARTS: readonly Part[] = [
  { name: null, text: 'value', isWhole: true },
  { name: 'a "b".png', text: 'PNG--bb\r\n--\r\n', isWhole: true },
  { name: null, text: '', isWhole: true },
]

describe('multipart splitter', () => {
  it('takes a form apart', () => {
    assert.deepEqual(split(FORM, 'b', [1000]), PARTS)
  })

  it('finds the same parts however the body is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (lengths) => {
        assert.deepEqual(split(FORM, 'b', lengths), PARTS)
      }),
    )
  })

  it('tells a part that the body ends in, and takes LF for CRLF', () => {
    const body = '--b\nContent-Disposition: form-data; filename=x.txt\n\nhello\n--b\n\nrest'
    assert.deepEqual(split(body, 'b', [3]), [
      { name: 'x.txt', text: 'hello', isWhole: true },
      { name: null, text: 'rest', isWhole: false },
    ])
  })

  it('bears any bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('--b', '\r\n', '\n', '--', 'x', ':', 'filename="')),
        fc.integer({ min: 1, max: 5 }),
        (pieces, length) => {
          split(pieces.join(''), 'b', [length])
        },
      ),
    )
  })

  it('reads names and boundaries', () => {
    assert.equal(dispositionFileName('attachment; FileName = "x\\\\y.pdf"; a=b'), 'x\\y.pdf')
    assert.equal(dispositionFileName('attachment; filename=x.pdf; size=3'), 'x.pdf')
    assert.equal(dispositionFileName('inline'), null)
    assert.equal(multipartBoundary('multipart/form-data; charset=x; boundary="a b"'), 'a b')
    assert.equal(multipartBoundary('Multipart/Form-Data;boundary=--x;y'), '--x')
    assert.equal(multipartBoundary('text/plain; boundary=x'), null)
  })
})
