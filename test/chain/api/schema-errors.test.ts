import assert from 'node:assert/strict'
import { test } from 'node:test'
import { schemaErrors } from '#chain/api/schema-errors.ts'

test('names from the input are cut and escaped as pointers are', () => {
  const [item] = schemaErrors([
    {
      keyword: 'additionalProperties',
      instancePath: '/a',
      schemaPath: '#/additionalProperties',
      params: { additionalProperty: `x/y~z${'!'.repeat(500)}` },
    },
  ])
  assert.ok(item.pointer.startsWith('/a/x~1y~0z!'))
  assert.ok(item.pointer.length < 140)
})

test('a union of which nothing fits says what would', () => {
  const branch = (index: number, keyword: string, params: object) => ({
    keyword,
    instancePath: '/ports',
    schemaPath: `#/properties/ports/anyOf/${index}/${keyword}`,
    params: params as Record<string, unknown>,
  })
  const [item] = schemaErrors([
    branch(0, 'const', { allowedValue: 'any' }),
    branch(1, 'type', { type: 'array' }),
    {
      keyword: 'anyOf',
      instancePath: '/ports',
      schemaPath: '#/properties/ports/anyOf',
      params: {},
    },
  ])
  assert.deepEqual(item, { pointer: '/ports', detail: 'must be "any" or of type array' })
})

test('no errors, no items', () => {
  assert.deepEqual(schemaErrors([]), [])
})
