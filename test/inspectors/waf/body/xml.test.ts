import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseXml } from '#inspectors/waf/body/xml-document.ts'
import { xmlValues } from '#inspectors/waf/body/xml-path.ts'
import { parseXPath } from '#signatures/seclang/xpath.ts'

function values(text: string, path: string): string[] {
  return xmlValues(parseXml(text), parseXPath(path)!)
}

const DOCUMENT = `<?xml version="1.0"?><!-- c --><!DOCTYPE a [<!ENTITY x "y">]>
<a id="1"><b c='&lt;2&gt;'>one<i>two</i>&#x41;&amp;</b><b><![CDATA[<three>]]></b><!-- no --></a>`

test('paths that rules use', () => {
  assert.deepEqual(values(DOCUMENT, '/*'), ['onetwoA&<three>'])
  assert.deepEqual(values(DOCUMENT, '//@*'), ['1', '<2>'])
  assert.deepEqual(values(DOCUMENT, '/a/b'), ['onetwoA&', '<three>'])
  assert.deepEqual(values(DOCUMENT, '//i/text()'), ['two'])
  assert.deepEqual(values(DOCUMENT, '//b/@c'), ['<2>'])
  assert.deepEqual(values(DOCUMENT, '/b'), [])
})

test('what is more than a path of names is refused', () => {
  for (const path of ['', 'a', '/a[1]', '//a | //b', 'count(//a)', '/@a/b', '/a/']) {
    assert.equal(parseXPath(path), null, path)
  }
})

test('what is not well-formed is an error, and what came before it is kept', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /no element/],
    ['text', /text outside/],
    ['<a>', /not closed/],
    ['<a></b>', /without its opening/],
    ['<a/><b/>', /second root/],
    ['<a b=1/>', /quoted attribute value/],
    ['<a b/>', /"=" is expected/],
    ['<a b="<"/>', /"<" in an attribute/],
    ['<a><!-- ', /comment is not closed/],
    ['<!DOCTYPE a [', /document type/],
    ['<a'.repeat(1), /attribute name|quoted|not closed/],
  ]
  for (const [text, error] of cases) assert.match(parseXml(text).error ?? '', error, text)
  assert.deepEqual(values('<a><b>kept</b>', '/*'), ['kept'])
})

test('depth and number of nodes are bounded', () => {
  const limits = { depth: 4, nodes: 50 }
  assert.match(parseXml('<a>'.repeat(5), limits).error ?? '', /nested/)
  assert.match(parseXml(`<a>${'<b/>'.repeat(60)}</a>`, limits).error ?? '', /nodes/)
})

test('entities of the document are not expanded', () => {
  const bomb = '<!DOCTYPE a [<!ENTITY x "yyyy"><!ENTITY z "&x;&x;">]><a>&z;</a>'
  assert.deepEqual(values(bomb, '/*'), ['&z;'])
})

test('never throws', () => {
  const piece = fc.constantFrom('<', '>', '/', 'a', '"', '=', ' ', '!', '-', '[', ']', '?', '&#x1;')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const document = parseXml(pieces.join(''))
      for (const path of ['/*', '//@*', '//a']) xmlValues(document, parseXPath(path)!)
    }),
    { numRuns: 2000 },
  )
})
