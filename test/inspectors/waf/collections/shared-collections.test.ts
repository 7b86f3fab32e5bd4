import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import * as fc from 'fast-check'
import { type PendingChange, PendingChanges } from '#inspectors/waf/collections/pending-changes.ts'
import { RecordHub } from '#inspectors/waf/collections/record-hub.ts'
import { RedisRecords } from '#inspectors/waf/collections/redis-records.ts'
import { SharedCollections } from '#inspectors/waf/collections/shared-collections.ts'
import type { MergedRecord, SharedRecords } from '#inspectors/waf/collections/shared-records.ts'
import type { Change, PersistentStore } from '#inspectors/waf/transaction/persistent-store.ts'
import { idsOf, send, wafOf } from '../waf-of.ts'

const skip = existsSync('/usr/bin/redis-server') ? false : 'redis-server is not installed'
const DEADLINE_MS = 20_000
/** Requests of `send` happen at this time. */
const STARTED_AT = 1_780_000_000_000
const clock = (): number => STARTED_AT + performance.now()
let folder = ''
let server: ChildProcess | null = null
const open: SharedCollections[] = []
let scopes = 0

async function startRedis(): Promise<void> {
  const args = ['--port', '0', '--unixsocket', join(folder, 'redis'), '--save', '']
  server = spawn('/usr/bin/redis-server', args, { cwd: folder, stdio: 'ignore' })
  await until('the socket of Redis', () => existsSync(join(folder, 'redis')))
}

async function stopRedis(): Promise<void> {
  const child = server
  if (child === null) return
  server = null
  child.kill('SIGKILL')
  if (child.exitCode === null) await once(child, 'exit')
  rmSync(join(folder, 'redis'), { force: true })
}

/** Two workers' views of the collections of one chain. */
async function workers(
  count = 2,
): Promise<{ shared: SharedCollections[]; stores: PersistentStore[] }> {
  const shared = Array.from(
    { length: count },
    () => new SharedCollections(new RedisRecords(`unix:${folder}/redis`), clock),
  )
  open.push(...shared)
  scopes += 1
  const stores = shared.map((one) => one.store(`test/${scopes}`, 60))
  await until('connections', () => shared.every((one) => one.isConnected))
  return { shared, stores }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + DEADLINE_MS
  while (!holds()) {
    assert.ok(Date.now() < end, `waited for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const valueOf = (store: PersistentStore, name: string, key = 'k'): string | undefined =>
  store.open('IP', key, clock()).get(name, clock())

function add(store: PersistentStore, name: string, amount: number): void {
  const record = store.open('IP', 'k', clock())
  const before = Number(record.get(name, clock()) ?? 0)
  record.set(name, String(before + amount), clock(), true)
}

before(async () => {
  if (skip !== false) return
  folder = mkdtempSync(join(tmpdir(), 'portcullis-collections-'))
  await startRedis()
})
after(async () => {
  await Promise.all(open.map((one) => one.close()))
  await stopRedis()
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
})

test('increments of several workers add up, and each sees the sum', { skip }, async () => {
  const { stores } = await workers(3)
  for (let round = 0; round < 10; round += 1) for (const store of stores) add(store, 'hits', 2)
  for (const store of stores) await until('60', () => valueOf(store, 'hits') === '60')
})

test(
  'a value that is set, one that is unset and one that expires reach the others',
  { skip },
  async () => {
    const [one, two] = (await workers()).stores
    const record = one.open('IP', 'k', clock())
    record.set('Name', 'x', clock())
    record.set('gone', '1', clock())
    record.set('brief', '1', clock())
    await until('all three', () => valueOf(two, 'brief') === '1' && valueOf(two, 'gone') === '1')
    assert.equal(valueOf(two, 'name'), 'x')
    record.set('gone', undefined, clock())
    record.expire('brief', 0.2, clock())
    await until(
      'both to be gone',
      () => valueOf(two, 'gone') === undefined && valueOf(two, 'brief') === undefined,
    )
    assert.equal(valueOf(two, 'NAME'), 'x')
  },
)

test('records of other keys, collections and chains are others', { skip }, async () => {
  const { stores, shared } = await workers()
  add(stores[0], 'hits', 1)
  await until('the record', () => valueOf(stores[1], 'hits') === '1')
  assert.equal(valueOf(stores[1], 'hits', 'other'), undefined)
  const other = shared[1].store('test/elsewhere', 60)
  other.open('IP', 'k', clock())
  await shared[1].flush()
  assert.equal(valueOf(other, 'hits'), undefined)
})

test(
  'without Redis the copy goes on, and what was counted is told when it is back',
  { skip },
  async () => {
    const { stores, shared } = await workers()
    const [one, two] = stores
    add(one, 'hits', 1)
    await until('the record', () => valueOf(two, 'hits') === '1')
    await stopRedis()
    await until('the loss', () => shared.every(({ isConnected }) => !isConnected))
    add(one, 'hits', 1)
    add(one, 'hits', 1)
    assert.equal(valueOf(one, 'hits'), '3')
    assert.equal(valueOf(two, 'hits'), '1')
    await startRedis()
    await until('the return', () => shared.every(({ isConnected }) => isConnected))
    // That Redis was empty: it knows the two that came while it was away.
    await until('both counts', () => valueOf(two, 'hits') === '2')
  },
)

test('two workers stop a client that neither alone would', { skip }, async () => {
  const rules = `
    SecAction "id:1,phase:1,nolog,pass,initcol:ip=%{REMOTE_ADDR}"
    SecRule IP:hits "@ge 6" "id:3,phase:1,deny,status:429,msg:'too many'"
    SecAction "id:2,phase:1,nolog,pass,setvar:ip.hits=+1,expirevar:ip.hits=60"`
  const { stores } = await workers()
  const [one, two] = stores.map((store) => wafOf(rules, { store }))
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(idsOf(send(one, 'GET /')), [])
    assert.deepEqual(idsOf(send(two, 'GET /')), [])
  }
  const key = '127.0.0.1'
  await until('six', () => stores.every((store) => valueOf(store, 'hits', key) === '6'))
  assert.equal(send(one, 'GET /').status, 429)
  assert.equal(send(two, 'GET /').status, 429)
})

test('what a worker is told of is there when it is named next, with its own changes on top', async () => {
  const keys: string[] = []
  const records: SharedRecords = {
    isReady: true,
    merge: (_nowMs, batch) => {
      keys.push(...batch.map(({ key }) => key))
      return Promise.resolve(batch.map(() => null))
    },
    close: () => {},
  }
  const shared = new SharedCollections(records, clock)
  open.push(shared)
  const store = shared.store('test/told', 60)
  add(store, 'hits', 1)
  await shared.flush()
  const [key] = keys
  const told = (value: string): void => {
    const variable = { name: 'hits', value, expiresAt: Infinity, updatedAt: clock() }
    shared.know([[key, { variables: [variable], createdAt: clock(), updates: 1 }]])
  }
  told('5')
  assert.equal(valueOf(store, 'hits'), '5')
  add(store, 'hits', 2)
  told('8')
  assert.equal(valueOf(store, 'hits'), '10')
  await shared.flush()
  told('10')
  assert.equal(valueOf(store, 'hits'), '10')
  shared.know([[key, { variables: [], createdAt: clock(), updates: 9 }]])
  assert.equal(valueOf(store, 'hits'), undefined)
})

test('what a supervisor merges is what Redis merges', { skip }, async () => {
  const redis = new RedisRecords(`unix:${folder}/redis`)
  await until('a connection', () => redis.isReady)
  const change: fc.Arbitrary<PendingChange> = fc.record({
    base: fc.constantFrom('keep' as const, 'keep' as const, 'set' as const, 'unset' as const),
    value: fc.constantFrom('0', '7', '-3 x', 'x', ''),
    amount: fc.integer({ min: -9, max: 9 }),
    expiresAt: fc.option(fc.integer({ min: STARTED_AT, max: STARTED_AT + 20 })),
  })
  const step = fc.record({
    changes: fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), change), {
      selector: ([name]) => name,
      maxLength: 3,
    }),
    waitMs: fc.integer({ min: 0, max: 9 }),
  })
  let series = 0
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const hub = new RecordHub()
        const key = `twins ${(series += 1)}`
        let nowMs = STARTED_AT
        for (const { changes, waitMs } of steps) {
          nowMs += waitMs
          const told = { key, timeoutMs: 60_000, changes }
          const [expected] = await redis.merge(nowMs, [told])
          const merged = hub.merge(nowMs, told)
          assert.deepEqual(byName(merged), byName(expected))
        }
      }),
      { numRuns: 200 },
    )
  } finally {
    redis.close()
  }
})

const byName = (record: MergedRecord | null): MergedRecord | null =>
  record && {
    ...record,
    variables: record.variables.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  }

test('changes gathered into one do what they did one by one', () => {
  const change = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), amount: fc.integer({ min: -9, max: 9 }) }),
    fc.record({ kind: fc.constant('set' as const), value: fc.constantFrom('0', '7', 'x') }),
    fc.constant({ kind: 'unset' as const }),
  )
  const apply = (value: string | undefined, one: Change): string | undefined => {
    if (one.kind === 'add') return String((Number.parseInt(value ?? '0', 10) || 0) + one.amount)
    return one.kind === 'set' ? one.value : undefined
  }
  fc.assert(
    fc.property(fc.option(fc.constantFrom('3', 'y')), fc.array(change), (start, changes) => {
      const pending = new PendingChanges()
      for (const one of changes) pending.add('N', one)
      const before =
        start === null ? [] : [{ name: 'n', value: start, expiresAt: Infinity, updatedAt: 0 }]
      const after = pending.applyTo(before, 1).find(({ name }) => name === 'n')?.value
      const expected = changes.reduce(apply, start ?? undefined)
      // An addition of nothing to nothing leaves nothing; to text it leaves the text.
      const total = changes.every((one) => one.kind === 'add')
        ? changes.reduce((sum, one) => sum + (one.kind === 'add' ? one.amount : 0), 0)
        : 1
      if (total !== 0) assert.equal(after, expected)
      else assert.equal(after, start ?? undefined)
    }),
  )
})
