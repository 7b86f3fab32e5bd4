import type { ErrorItem } from '#chain/errors.ts'

/** What ajv says of one failed keyword (the part that Fastify passes on). */
export interface SchemaError {
  readonly keyword: string
  readonly instancePath: string
  readonly schemaPath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message?: string
}

/**
 * ajv's errors as places and reasons for people. ajv stops at the first failure, so the last error is
 * the outermost; where that is a union, the branch that the input most looks like is explained and the
 * others are not. Values of the input are never repeated, only names of its members.
 */
export function schemaErrors(errors: readonly SchemaError[]): ErrorItem[] {
  const outermost = errors.at(-1)
  return outermost === undefined ? [] : [explain(outermost, errors)]
}

function explain(error: SchemaError, all: readonly SchemaError[]): ErrorItem {
  if (error.keyword === 'anyOf') return explainUnion(error, all)
  const pointer = error.instancePath
  switch (error.keyword) {
    case 'additionalProperties':
      return at(pointer, error.params['additionalProperty'], 'is not a known field')
    case 'required':
      return at(pointer, error.params['missingProperty'], 'is missing')
    case 'const':
      return { pointer, detail: `must be ${JSON.stringify(error.params['allowedValue'])}` }
    default:
      return { pointer, detail: error.message ?? 'is not valid' }
  }
}

function at(parent: string, member: unknown, detail: string): ErrorItem {
  const name = String(member).slice(0, 128).replaceAll('~', '~0').replaceAll('/', '~1')
  return { pointer: `${parent}/${name}`, detail }
}

function explainUnion(union: SchemaError, all: readonly SchemaError[]): ErrorItem {
  const prefix = `${union.schemaPath}/`
  const inside = all.filter((error) => error !== union && error.schemaPath.startsWith(prefix))
  const branches = Map.groupBy(
    inside,
    (error) => error.schemaPath.slice(prefix.length).split('/', 1)[0],
  )
  // The last error of a branch is its outermost.
  const outer = [...branches.values()].flatMap((errors) => errors.at(-1) ?? [])
  const best = outer.toSorted((a, b) => likeness(b, union) - likeness(a, union))[0]
  if (best === undefined) return { pointer: union.instancePath, detail: 'is not valid' }
  if (likeness(best, union) >= 2) return explain(best, inside)
  const rivals = outer.filter((error) => likeness(error, union) === likeness(best, union))
  const wanted = rivals.map(expectation)
  return { pointer: best.instancePath, detail: `must be ${[...new Set(wanted)].join(' or ')}` }
}

/** 0: another type or constant altogether; 1: another discriminator; more: the fault lies inside. */
function likeness(error: SchemaError, union: SchemaError): number {
  const depth = error.instancePath.split('/').length - union.instancePath.split('/').length
  const isMismatch = error.keyword === 'const' || error.keyword === 'type'
  if (depth === 0) return isMismatch ? 0 : 2
  return depth === 1 && error.keyword === 'const' ? 1 : 2 + depth
}

function expectation(error: SchemaError): string {
  if (error.keyword === 'const') return JSON.stringify(error.params['allowedValue'])
  return error.keyword === 'type' ? `of type ${String(error.params['type'])}` : 'valid'
}
