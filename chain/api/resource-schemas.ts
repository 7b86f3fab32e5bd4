import type { FastifySchema } from 'fastify'
import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { Name } from '#chain/model/names.ts'
import { PROBLEM_TYPE, Problem } from './problem.ts'

export const tenantQuery = {
  tenant: Type.Optional(Name),
}

export const pageQuery = {
  limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$' })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 512 })),
}

export const waitQuery = {
  wait: Type.Optional(Type.Literal('realized')),
  /** Seconds to wait at most. */
  timeout: Type.Optional(Type.String({ pattern: '^[0-9]{1,3}$' })),
}

export const WriteQuery = Type.Object(
  {
    ...tenantQuery,
    ...waitQuery,
    dry_run: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])),
  },
  { additionalProperties: false },
)
export type WriteQuery = Static<typeof WriteQuery>

export const IdParams = Type.Object({ id: Name }, { additionalProperties: false })

export const closed = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })

const problem = { content: { [PROBLEM_TYPE]: { schema: Problem } } }
export const PROBLEMS = {
  '4xx': { description: 'Refused', ...problem },
  '5xx': { description: 'Failed', ...problem },
}

export const pageOf = (item: TSchema) =>
  Type.Object({ items: Type.Array(item), next_cursor: Type.Union([Type.String(), Type.Null()]) })

const DryRun = Type.Object({
  dry_run: Type.Literal(true),
  action: Type.String(),
  before: Type.Unknown(),
  after: Type.Unknown(),
  /** Hosts whose snapshot would change, and which attachments there. */
  hosts: Type.Array(
    Type.Object({
      host: Type.String(),
      attachmentsAdded: Type.Array(Type.String()),
      attachmentsChanged: Type.Array(Type.String()),
      attachmentsRemoved: Type.Array(Type.String()),
    }),
  ),
})

interface Described {
  readonly path: string
  readonly kind: string
  readonly summary: string
  readonly body: TSchema
  readonly view: TSchema
  readonly filters: TProperties
}

type RouteSchema = FastifySchema & { tags: string[]; summary: string }

/** Schemas of the five routes of a resource. */
export function resourceSchemas({ path, kind, summary, body, view, filters }: Described) {
  const tags = [path]
  const done = Type.Union([view, DryRun])
  const schemas = {
    list: {
      tags,
      summary: `List ${path}. ${summary}`,
      querystring: closed({ ...tenantQuery, ...pageQuery, ...filters }),
      response: { 200: pageOf(view), ...PROBLEMS },
    },
    read: {
      tags,
      summary: `Read one ${kind}`,
      params: IdParams,
      querystring: closed(tenantQuery),
      response: { 200: view, ...PROBLEMS },
    },
    create: {
      tags,
      summary: `Create a ${kind}; it must not exist`,
      querystring: WriteQuery,
      body,
      response: { 200: DryRun, 201: view, ...PROBLEMS },
    },
    replace: {
      tags,
      summary: `Create or replace a ${kind}`,
      params: IdParams,
      querystring: WriteQuery,
      body,
      response: { 200: done, 201: view, ...PROBLEMS },
    },
    remove: {
      tags,
      summary: `Delete a ${kind}`,
      params: IdParams,
      querystring: WriteQuery,
      response: { 200: DryRun, 204: Type.Null(), ...PROBLEMS },
    },
  }
  return schemas satisfies Record<string, RouteSchema>
}
