import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Ids, createIds } from '#inspectors/ids/ids.ts'
import { Dataset, valueBytes } from '#inspectors/ids/state/dataset.ts'
import { type Outcome, play, toServer } from './drive.ts'

const HTTP = 'alert http any any -> any any'
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const get = (ids: Ids, host: string, agent = 'x', path = '/'): Outcome =>
  play(ids, [toServer(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${agent}\r\n\r\n`)])

describe('data sets in rules', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-sets-'))
    const file = (name: string, text: string): void => writeFileSync(join(folder, name), text)
    file('hosts.csv', `${base64('bad.example')}\n\n${base64('worse.example')}\n`)
    file('hosts.rep', `${base64('bad.example')},150\n${base64('worse.example')},250\n`)
    file('md5.csv', '2432164866e11dff2fa209b101ae91f1\n') // MD5 of bad.example
    file(
      'hosts.json',
      JSON.stringify({
        threats: { list: [{ ioc: { host: 'bad.example' }, year: 2005 }, { ioc: { host: 'a' } }] },
      }),
    )
    file('hosts.ndjson', '{"host":"bad.example","since":"1999"}\n{"host":"b"}\n')
    file('broken.json', '{')
    file('domains.csv', `${base64('.evil.example')}\n`)
  })
  after(() => rmSync(folder, { recursive: true }))

  const load = (rules: string): Ids => {
    writeFileSync(join(folder, 'test.rules'), `${rules}\n${HTTP} (content:"never"; sid:99;)\n`)
    return createIds({ mode: 'block', rulePaths: [join(folder, 'test.rules')] })
  }
  const host = (options: string, sid = 1): string => `${HTTP} (http.host; ${options}; sid:${sid};)`

  it('ask whether a buffer is in a file', () => {
    const ids = load(
      [
        host('dataset:isset,hosts,type string,load hosts.csv'),
        host('dataset:isnotset,hosts', 2),
        host('to_md5; dataset:isset,sums,type md5,load md5.csv', 3),
        host('datarep:reputations,>,200,type string,load hosts.rep', 4),
        host('dotprefix; dataset:isset,domains,type string,load domains.csv,match subdomain', 5),
      ].join('\n'),
    )
    assert.deepEqual(ids.warnings, [])
    assert.deepEqual(get(ids, 'bad.example').sids, [1, 3])
    assert.deepEqual(get(ids, 'worse.example').sids, [1, 4])
    assert.deepEqual(get(ids, 'www.evil.example').sids, [2, 5])
    assert.deepEqual(get(ids, 'notevil.example').sids, [2])
  })

  it('quote what a JSON file says of the value', () => {
    const ids = load(
      host(
        'dataset:isset,j,type string,load hosts.json,format json,array_key threats.list,value_key ioc.host,context_key who,remove_key',
      ) +
        '\n' +
        host('dataset:isset,n,type string,load hosts.ndjson,format ndjson,value_key host', 2),
    )
    assert.deepEqual(
      get(ids, 'bad.example').alerts.map(({ context }) => context),
      [{ who: { ioc: {}, year: 2005 } }, { n: { host: 'bad.example', since: '1999' } }],
    )
  })

  it('grow by the rules themselves, when all of a rule matches', () => {
    const ids = load(
      [
        `${HTTP} (http.uri; content:"/in"; http.user_agent; dataset:set,seen,type string; sid:1;)`,
        `${HTTP} (http.uri; content:"/out"; http.user_agent; dataset:unset,seen; sid:2;)`,
      ].join('\n'),
    )
    const at = (path: string, agent = 'a'): readonly number[] => get(ids, 'h', agent, path).sids
    assert.deepEqual(at('/other'), [])
    assert.deepEqual(at('/in'), [1])
    assert.deepEqual(at('/in'), [])
    assert.deepEqual(at('/in', 'b'), [1])
    assert.deepEqual(at('/out'), [2])
    assert.deepEqual(at('/out'), [])
    assert.deepEqual(at('/in'), [1])
  })

  it('reject the rule whose set cannot be had', () => {
    const { warnings } = load(
      [
        host('dataset:isset,a,type string,load absent.csv'),
        host('dataset:isset,b,type string,load /etc/passwd', 2),
        host('dataset:isset,undeclared', 3),
        host('dataset:isset,c,type string,load broken.json,format json,value_key x', 4),
        host('dataset:isset,d,type md5,load hosts.csv', 5),
        `${HTTP} (dataset:isset,e,type string; sid:6;)`,
        host('dataset:isset,f,type string,load hosts.csv,memcap 10', 7),
      ].join('\n'),
    )
    assert.deepEqual(
      new Map(warnings.map(({ sid, code }) => [sid, code])),
      new Map([
        [2, 'bad-argument'],
        [6, 'misplaced-modifier'],
        [1, 'missing-data'],
        [3, 'bad-argument'],
        [4, 'missing-data'],
        [5, 'missing-data'],
        [7, 'limit'],
      ]),
    )
  })
})

describe('Dataset', () => {
  it('holds no more than it may', () => {
    const set = new Dataset('string', 200, false)
    const added = ['a', 'b', 'c', 'd', 'e'].filter((value) => set.add(value))
    assert.deepEqual(added, ['a', 'b', 'c'])
    set.remove('a')
    assert.ok(set.add('d') && !set.add('e') && set.size === 3)
  })

  it('takes IPv4 addresses in both forms', () => {
    const set = new Dataset('ip', 1000, false)
    set.add(valueBytes('ip', '::ffff:10.0.0.1', true)!)
    assert.notEqual(set.find(valueBytes('ip', '10.0.0.1', true)!), null)
    assert.equal(set.find('\x0a\0\0'), null)
  })
})
