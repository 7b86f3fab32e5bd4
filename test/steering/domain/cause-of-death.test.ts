import assert from 'node:assert/strict'
import { test } from 'node:test'
import { causeOfDeath } from '#steering/domain/confined-process.ts'

test('of a stack the error is told, not where it came from', () => {
  const log = `started
node:internal/modules/package_json_reader:314
  throw new ERR_MODULE_NOT_FOUND(packageName, fileURLToPath(base), null);
        ^

Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'commander' imported from /app/inspectors/main.ts
    at Object.getPackageJSONURL (node:internal/modules/package_json_reader:314:9) {
  code: 'ERR_MODULE_NOT_FOUND'
}

Node.js v24.21.0
`
  assert.equal(
    causeOfDeath(log),
    "it ended: Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'commander' imported from /app/inspectors/main.ts",
  )
})

test('of anything else the end is told, of nothing that there is none', () => {
  assert.equal(causeOfDeath('one\ntwo\nthree\nfour\n'), 'it ended: two | three | four')
  assert.equal(causeOfDeath(''), 'it ended without a word')
  assert.ok(causeOfDeath(`TypeError: ${'x'.repeat(100_000)}`).length < 2_000)
})
