import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { idsOf, play, toServer } from '../drive.ts'

const RULES = [
  'http.header; content:"X-One: a|0d 0a|X-Two: b"',
  'http.header; content:"X-One: a|0d 0a|"; content:"Cookie"',
  'http.header; content:"session=secret"',
  'http.start; content:"session=secret"',
  'http.cookie; content:"session=secret"',
  'http.user_agent; content:"Scanner/"; startswith',
  'http.user_agent; content:"scanner/"; nocase; bsize:9',
  'http.user_agent; content:"er/1"; offset:4; depth:5',
  'http.user_agent; content:"Scanner"; content:"/"; distance:0; isdataat:!2,relative',
  'http.host; dotprefix; content:".bad.example"; endswith',
  'http.host; content:"bad.example"; bsize:11',
  'http.header_names; content:"|0d 0a|Host|0d 0a|X-One|0d 0a|"; depth:15',
  'http.method; content:"GET"; http.uri; content:"passwd"; offset:3',
  'http.uri; content:"/etc/passwd"; endswith',
  'http.uri.raw; content:"%2e%2e"',
  'http.request_line; content:"/etc/passwd HTTP/1."',
  'http.referer; content:"bad.example"; http.host; content:!"bad"',
]

const rules = RULES.map(
  (options, index) =>
    `alert http any any -> any any (flow:to_server; ${options}; sid:${index + 1};)`,
).join('\n')

const lines = fc.constantFrom(
  'X-One: a',
  'X-Two: b',
  'X-Two:  b',
  'Cookie: session=secret',
  'Cookie: lang=en',
  'Cookie:',
  'User-Agent: Scanner/1',
  'User-Agent: Scanner/1.5',
  'User-Agent: scanner/1',
  'User-Agent: a Scanner/1',
  'Referer: http://bad.example/',
)
const hosts = fc.constantFrom('bad.example', 'BAD.example', 'very.bad.example:80', 'good.example')
const targets = fc.constantFrom(
  '/',
  '/etc/passwd',
  '/x/../etc/passwd',
  '/%2e%2e/etc/passwd',
  'http://bad.example/etc/passwd',
)

const requests = fc
  .record({ host: hosts, target: targets, fields: fc.array(lines, { maxLength: 5 }) })
  .map(
    ({ host, target, fields }) =>
      `GET ${target} HTTP/1.1\r\n${[`Host: ${host}`, ...fields].join('\r\n')}\r\n\r\n`,
  )

describe('candidates of a head', () => {
  it('are all that match, whatever lines it has and whatever was seen before', () => {
    const filtered = idsOf(rules, { mode: 'detect' })
    const unfiltered = idsOf(rules, { mode: 'detect', isUnfiltered: true })
    const seen = new Set<number>()
    fc.assert(
      fc.property(fc.array(requests, { minLength: 1, maxLength: 3 }), (heads) => {
        const pieces = heads.map(toServer)
        const found = play(filtered, pieces).sids
        assert.deepEqual(found, play(unfiltered, pieces).sids)
        for (const sid of found) seen.add(sid)
      }),
      { numRuns: 1500 },
    )
    // A rule that no head matches would be found right whatever is wrong; two are such on purpose.
    assert.deepEqual(
      RULES.map((_, index) => index + 1).filter((sid) => !seen.has(sid)),
      [2, 3],
    )
  })
})
