import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LocalPersistentStore } from '#inspectors/waf/transaction/persistent-store.ts'
import { send, wafOf } from './waf-of.ts'

test('a warm-up runs the rules, and leaves neither hits, entries nor records behind', () => {
  let opened = 0
  const hits: number[] = []
  const entries: string[] = []
  const store = new LocalPersistentStore(60)
  const waf = wafOf(
    `SecAuditEngine On
     SecAction "id:1,phase:1,pass,log,msg:'m',initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1"
     SecRule IP:n "@ge 2" "id:2,phase:1,deny,status:429"`,
    {
      store: {
        open: (collection, key, nowMs) => {
          opened += 1
          return store.open(collection, key, nowMs)
        },
      },
      onHit: (_, hit) => hits.push(hit.rule.id),
      audit: { defaultEngine: 'on', write: (_, entry) => entries.push(entry) },
    },
  )
  waf.warmUp()
  assert.deepEqual([opened, hits, entries], [0, [], []])
  assert.equal(send(waf, 'GET /').status, 200)
  assert.ok(hits.includes(1))
  assert.equal(entries.length, 1)
})
