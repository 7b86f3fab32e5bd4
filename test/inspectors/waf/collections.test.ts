import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collectionNames } from '#inspectors/waf/transaction/collections.ts'
import { OPERATORS } from '#inspectors/waf/operators/registry.ts'
import { TRANSFORMATIONS } from '#inspectors/waf/transformations/registry.ts'
import { OPERATORS as OPERATOR_NAMES } from '#signatures/seclang/operator-names.ts'
import { TRANSFORMATIONS as TRANSFORMATION_NAMES } from '#signatures/seclang/transformation-names.ts'
import { VARIABLES } from '#signatures/seclang/variable-names.ts'

test('the engine has every name that the parser accepts', () => {
  const offered = [...VARIABLES].flatMap(([name, { kind }]) =>
    kind === 'collection' || kind === 'scalar' ? name : [],
  )
  assert.deepEqual(collectionNames().sort(), offered.sort())
  for (const [name, { kind }] of OPERATOR_NAMES) {
    if (kind !== 'refused' && kind !== 'inert') assert.ok(OPERATORS.has(name), `@${name}`)
  }
  for (const name of TRANSFORMATION_NAMES) assert.ok(TRANSFORMATIONS.has(name), `t:${name}`)
})
