import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { authorityOf, normalizeUri } from '#inspectors/ids/http/uri.ts'

describe('normalised URI', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/a/b', '/a/b'],
    ['/%61%2Fb', '/a/b'],
    ['/a//b///c', '/a/b/c'],
    ['/a/./b/../c', '/a/c'],
    ['/../../x', '/x'],
    ['/a/b/..', '/a/'],
    ['/a%5cb\\c', '/a/b/c'],
    ['/%u0061%uff0e', '/a.'],
    ['/%zz%4', '/%zz%4'],
    ['/%2525', '/%25'],
    ['/p?q=%3C%3E+a//b/../c', '/p?q=<>+a//b/../c'],
    ['http://user@host:80/x%41?y', '/xA?y'],
    ['http://host', ''],
    ['*', '*'],
    ['', ''],
  ]
  for (const [target, expected] of cases)
    it(`of ${target} is ${expected}`, () => assert.equal(normalizeUri(target), expected))

  it('has no dot segment left and does not grow', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('/', '.', '..', '%2e', '%2F', 'a', '\\', '%')),
        (parts) => {
          const target = `/${parts.join('')}`
          const normal = normalizeUri(target)
          assert.ok(normal.length <= target.length)
          assert.doesNotMatch(normal, /\/\.\.?(?:\/|$)|\/\//)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('knows the authority of an absolute target', () => {
    assert.equal(authorityOf('http://user@Host:80/x'), 'user@Host:80')
    assert.equal(authorityOf('/x'), null)
  })
})
