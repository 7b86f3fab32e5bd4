import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TProperties, TSchema } from 'typebox'
import { ApiError } from '#chain/errors.ts'
import type { Attachment } from '#chain/model/attachment.ts'
import { type DesiredState, scopedKey, type Stored } from '#chain/model/desired.ts'
import type { Violation } from '#chain/model/violation.ts'
import { canonicalJson } from '#chain/plan/canonical.ts'
import { withWrite, type Write } from '#chain/store/desired-store.ts'
import type { ResourceKind } from '#chain/store/keys.ts'
import type { TokenRecord } from '#chain/store/token-store.ts'
import { actorOf, callerOf, notFound, TENANTS, visibleTenant } from './auth.ts'
import type { ApiContext } from './context.ts'
import { page, pageSize } from './page.ts'
import { etagOf, isUnchanged, requirePrecondition } from './precondition.ts'
import { awaitDetached, awaitRealized } from './realize.ts'
import { resourceSchemas, type WriteQuery } from './resource-schemas.ts'
import { tenantMeant } from './scope.ts'

/** What the body of any resource may say besides the resource. */
export interface ResourceBody {
  readonly tenant?: string
  /** As If-Match: the revision that is to be replaced. */
  readonly revision?: number
  readonly [field: string]: unknown
}

/** How one kind of resource differs from the others; the routes are the same for all. */
export interface Resource<Value> {
  readonly kind: Exclude<ResourceKind, 'rule-set'>
  readonly path: string
  readonly field: 'ports' | 'chains' | 'attachments'
  /** Member of the body that is its id, unique within a tenant: `id` or `name`. */
  readonly idName: 'id' | 'name'
  readonly summary: string
  readonly body: TSchema
  readonly view: TSchema
  /** Filters of the list, as query fields. */
  readonly filters: TProperties
  /** Makes an id for a POST that has none; absent: the id must be given. */
  readonly newId?: () => string
  /** Whose it is when an operator did not say: `null` for the operator's own tenant. */
  readonly impliedTenant: (
    body: ResourceBody,
    caller: TokenRecord,
    state: DesiredState,
  ) => string | null
  readonly build: (tenant: string, id: string, body: ResourceBody) => Value
  /** The resource as its body has it, with its tenant. */
  readonly plain: (value: Value) => object
  readonly show: (stored: Stored<Value>, state: DesiredState, context: ApiContext) => object
  readonly validate: (value: Value, state: DesiredState) => Violation[]
  readonly inUse: (tenant: string, id: string, state: DesiredState) => Violation[]
  readonly matches: (value: Value, filters: Readonly<Record<string, string>>) => boolean
  /** Attachments that have to be in force for the resource to be. */
  readonly enforcedBy: (tenant: string, id: string, state: DesiredState) => Attachment[]
}

interface Params {
  readonly id: string
}

/** Registers list, read, create, replace and delete of a kind of resource. */
export function registerResource<Value extends object>(
  app: FastifyInstance,
  context: ApiContext,
  resource: Resource<Value>,
): void {
  const schemas = resourceSchemas(resource)
  const config = { roles: TENANTS }
  const known = (state: DesiredState) =>
    state[resource.field] as unknown as ReadonlyMap<string, Stored<Value>>

  /** Finds the resource that a path names, in the tenant that the caller means. */
  function find(request: FastifyRequest, state: DesiredState) {
    const { id } = request.params as Params
    const asked = (request.query as WriteQuery).tenant
    const tenant = tenantMeant(callerOf(request), [asked], known(state), id)
    const stored = tenant === null ? undefined : known(state).get(scopedKey(tenant, id))
    if (tenant === null || stored === undefined) throw notFound()
    return { tenant, id, stored }
  }

  app.get(`/${resource.path}`, { schema: schemas.list, config }, async (request, reply) => {
    const { tenant, cursor, limit, ...filters } = request.query as Record<string, string>
    const visible = visibleTenant(callerOf(request), tenant)
    const state = await context.store.load()
    const entries = [...known(state)].filter(
      ([key, { value }]) =>
        (visible === null || key.startsWith(`${visible}/`)) && resource.matches(value, filters),
    )
    const { items, nextCursor } = page(entries, cursor, pageSize(limit))
    if (nextCursor !== null) reply.header('link', nextLink(request, nextCursor))
    return {
      items: items.map((stored) => resource.show(stored, state, context)),
      next_cursor: nextCursor,
    }
  })

  app.get(`/${resource.path}/:id`, { schema: schemas.read, config }, async (request, reply) => {
    const state = await context.store.load()
    const { stored } = find(request, state)
    reply.header('etag', etagOf(stored.revision))
    // An attachment's status changes without its revision: only what was asked for can be unchanged.
    if (resource.kind !== 'attachment' && isUnchanged(request.headers, stored.revision)) {
      return reply.status(304).send()
    }
    return resource.show(stored, state, context)
  })

  app.put(`/${resource.path}/:id`, { schema: schemas.replace, config }, async (request, reply) => {
    const { id } = request.params as Params
    const body = request.body as ResourceBody
    const inBody = body[resource.idName]
    if (inBody !== undefined && inBody !== id) {
      throw new ApiError('malformed', `the body's ${resource.idName} is not the path's`, {
        errors: [{ pointer: `/${resource.idName}`, detail: `must be ${id}, as in the path` }],
      })
    }
    return store(request, reply, id, false)
  })

  app.post(`/${resource.path}`, { schema: schemas.create, config }, async (request, reply) => {
    const body = request.body as ResourceBody
    const id = body[resource.idName] ?? resource.newId?.()
    if (typeof id !== 'string') {
      throw new ApiError('malformed', `${resource.idName} is missing`, {
        errors: [{ pointer: `/${resource.idName}`, detail: 'is missing' }],
      })
    }
    return store(request, reply, id, true)
  })

  async function store(
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    mustBeNew: boolean,
  ): Promise<object> {
    const body = request.body as ResourceBody
    const query = request.query as WriteQuery
    const caller = callerOf(request)
    requireWriter(resource.kind, caller, context)
    const decide = (state: DesiredState) => {
      const asked = [query.tenant, body.tenant]
      const tenant =
        tenantMeant(caller, asked, known(state), id) ??
        resource.impliedTenant(body, caller, state) ??
        caller.tenant
      const key = scopedKey(tenant, id)
      const before = known(state).get(key) ?? null
      if (mustBeNew && before !== null) {
        throw new ApiError('exists', `there is a ${resource.kind} ${id} already: PUT replaces it`)
      }
      requirePrecondition(request.headers, body.revision, before?.revision ?? null)
      if (before === null) requireRoom(resource.kind, tenant, known(state))
      const value = resource.build(tenant, id, body)
      refuse(resource.validate(value, state))
      const isSame = before !== null && canonicalJson(before.value) === canonicalJson(value)
      const action = before === null ? 'create' : isSame ? 'none' : 'replace'
      const write: Write | null =
        action === 'none' ? null : { kind: resource.kind, key, value, action }
      return { write, result: { key, tenant, before, action } }
    }
    if (query.dry_run === 'true') return dryRun(decide)
    const written = await context.store.change(actorOf(request, caller.tenant), decide)
    const { key, tenant, action } = written.result
    const stored = known(written.state).get(key)!
    reply.header('etag', etagOf(stored.revision))
    if (action === 'create') {
      reply.status(201).header('location', `/v1/${resource.path}/${id}`)
    }
    if (query.wait === 'realized') {
      const ours = (state: DesiredState) => resource.enforcedBy(tenant, id, state)
      await awaitRealized(context, ours, query.timeout, request.signal)
    } else {
      context.planner.trigger()
    }
    return resource.show(stored, await context.store.load(), context)
  }

  const plain = (value: Value | null): object | null =>
    value === null ? null : resource.plain(value)

  /** Validation and effect of a change that is not made. */
  async function dryRun(
    decide: (state: DesiredState) => {
      write: Write | null
      result: { action: string; before: Stored<Value> | null }
    },
  ): Promise<object> {
    const state = await context.store.load()
    const { write, result } = decide(state)
    const value = write?.value ?? null
    const revision = state.revision + 1
    const stored = value === null ? null : { revision, updatedAt: '', value }
    const after = write === null ? state : withWrite(state, write.kind, write.key, stored, revision)
    return {
      dry_run: true,
      action: result.action,
      before: plain(result.before?.value ?? null),
      after: plain(write === null ? (result.before?.value ?? null) : (value as Value | null)),
      hosts: write === null ? [] : context.planner.preview(after),
    }
  }

  app.delete(
    `/${resource.path}/:id`,
    { schema: schemas.remove, config },
    async (request, reply) => {
      const query = request.query as WriteQuery
      requireWriter(resource.kind, callerOf(request), context)
      const decide = (state: DesiredState) => {
        const { tenant, id, stored } = find(request, state)
        requirePrecondition(request.headers, undefined, stored.revision)
        refuse(resource.inUse(tenant, id, state))
        const key = scopedKey(tenant, id)
        const write: Write = { kind: resource.kind, key, value: null, action: 'delete' }
        return { write, result: { tenant, id, action: 'delete', before: stored } }
      }
      if (query.dry_run === 'true') return dryRun(decide)
      const { before } = (
        await context.store.change(actorOf(request, callerOf(request).tenant), decide)
      ).result
      if (query.wait === 'realized' && resource.kind === 'attachment') {
        await awaitDetached(context, before.value as Attachment, query.timeout, request.signal)
      } else {
        context.planner.trigger()
      }
      return reply.status(204).send()
    },
  )
}

/** Ports name interfaces of the switch: an installation may leave them to its operators. */
function requireWriter(kind: string, { role }: TokenRecord, { tenantPorts }: ApiContext): void {
  if (kind !== 'port' || role === 'operator' || tenantPorts) return
  throw new ApiError('forbidden', 'ports are registered by operators here')
}

/** Most resources of a kind that one tenant may have. */
export const MAX_PER_TENANT = { port: 10_000, chain: 1000, attachment: 10_000 } as const

function requireRoom(
  kind: keyof typeof MAX_PER_TENANT,
  tenant: string,
  known: ReadonlyMap<string, unknown>,
): void {
  // The whole is counted first: that costs nothing, and below the bound no tenant can be above it.
  if (known.size < MAX_PER_TENANT[kind]) return
  const prefix = `${tenant}/`
  const count = [...known.keys()].filter((key) => key.startsWith(prefix)).length
  if (count < MAX_PER_TENANT[kind]) return
  throw new ApiError('too-many', `tenant ${tenant} has ${count} ${kind}s, and may have no more`)
}

/** @throws ApiError `invalid` when anything could never be enforced, otherwise `conflict` */
export function refuse(violations: readonly Violation[]): void {
  const first = violations.find(({ kind }) => kind === 'invalid') ?? violations[0]
  if (first === undefined) return
  const errors = violations
    .filter(({ kind }) => kind === first.kind)
    .map(({ pointer, detail }) => ({ pointer, detail }))
  const text = `${first.pointer} ${first.detail}`.trim()
  if (first.kind === 'invalid') throw new ApiError('invalid', text, { errors })
  throw new ApiError('conflict', text, { errors, extensions: { in_the_way: first.inTheWay } })
}

/** RFC 8288 link to the next page, filters kept. */
function nextLink(request: FastifyRequest, cursor: string): string {
  const url = new URL(request.url, 'http://localhost')
  url.searchParams.set('cursor', cursor)
  return `<${url.pathname}${url.search}>; rel="next"`
}
