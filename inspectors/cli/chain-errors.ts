import { Value } from 'typebox/value'
import type { TSchema } from 'typebox'
import { Chain, ChainInspector } from '#chain/model/chain.ts'

/** A field of a chain that is wrong. */
export interface FieldError {
  /** JSON pointer; empty for the whole. */
  readonly pointer: string
  readonly message: string
}

const BRANCHES: Readonly<Record<string, TSchema>> = {
  waf: ChainInspector.anyOf[0],
  ids: ChainInspector.anyOf[1],
}
const INSPECTOR = /^\/inspectors\/\d+/

/**
 * What is wrong with a chain, field by field. An inspector is held against the schema of its type alone:
 * the errors of a whole union say nothing.
 *
 * @returns empty when `value` is a Chain
 */
export function chainErrors(value: unknown): FieldError[] {
  if (Value.Check(Chain, value)) return []
  const errors = errorsOf(Chain, value, '').filter(({ pointer }) => !INSPECTOR.test(pointer))
  const inspectors = (value as { inspectors?: unknown } | null)?.inspectors
  for (const [index, inspector] of (Array.isArray(inspectors) ? inspectors : []).entries()) {
    const pointer = `/inspectors/${index}`
    const type: unknown = (inspector as { type?: unknown } | null)?.type
    if (typeof type === 'string' && Object.hasOwn(BRANCHES, type)) {
      errors.push(...errorsOf(BRANCHES[type], inspector, pointer))
    } else {
      errors.push({ pointer: `${pointer}/type`, message: 'must be "waf" or "ids"' })
    }
  }
  return errors
}

function errorsOf(schema: TSchema, value: unknown, prefix: string): FieldError[] {
  const byPointer = Map.groupBy(Value.Errors(schema, value), (error) => error.instancePath)
  const found: FieldError[] = []
  for (const [path, errors] of byPointer) {
    const pointer = prefix + path
    const choices = errors.flatMap((error) =>
      error.keyword === 'const' ? [JSON.stringify(error.params.allowedValue)] : [],
    )
    if (choices.length > 0) {
      found.push({ pointer, message: `must be ${[...new Set(choices)].join(' or ')}` })
      continue
    }
    for (const error of errors) {
      if (error.keyword === 'boolean') found.push({ pointer, message: 'unknown field' })
      else if (error.keyword === 'required') {
        for (const name of error.params.requiredProperties) {
          found.push({ pointer: `${pointer}/${name}`, message: 'is missing' })
        }
      } else if (error.keyword !== 'additionalProperties' && error.keyword !== 'anyOf') {
        found.push({ pointer, message: error.message })
      }
    }
  }
  return found
}
