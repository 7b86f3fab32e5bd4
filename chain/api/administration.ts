import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { ApiError } from '#chain/errors.ts'
import { AuditEntry } from '#chain/store/audit-log.ts'
import { MAX_TOKENS, Role, TokenRequest } from '#chain/store/token-store.ts'
import { callerOf, notFound, OPERATOR } from './auth.ts'
import type { ApiContext } from './context.ts'
import { decodeCursor, encodeCursor, pageSize } from './page.ts'
import { closed, pageOf, pageQuery, PROBLEMS } from './resource-schemas.ts'

const TokenView = Type.Object({
  id: Type.String(),
  tenant: Type.String(),
  role: Role,
  description: Type.String(),
  createdAt: Type.String(),
  expiresAt: Type.Union([Type.String(), Type.Null()]),
})
const NewTokenView = Type.Object({ ...TokenView.properties, token: Type.String() })
const TokenParams = closed({ id: Type.String({ pattern: '^[0-9a-f]{12}$' }) })

/** Tokens and the audit log: operators only. */
export function registerAdministration(app: FastifyInstance, context: ApiContext): void {
  const config = { roles: OPERATOR }

  app.get(
    '/tokens',
    {
      config,
      schema: {
        tags: ['tokens'],
        summary: 'List tokens, without their secrets',
        querystring: closed({}),
        response: { 200: pageOf(TokenView), ...PROBLEMS },
      },
    },
    async () => ({ items: await context.tokens.list(), next_cursor: null }),
  )

  app.post(
    '/tokens',
    {
      config,
      schema: {
        tags: ['tokens'],
        summary: 'Make a token; its text is in this answer and nowhere else',
        querystring: closed({}),
        body: TokenRequest,
        response: { 201: NewTokenView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      if ((await context.tokens.count()) >= MAX_TOKENS) {
        throw new ApiError('too-many', `${MAX_TOKENS} tokens exist already`)
      }
      const { token, record } = await context.tokens.create(request.body as TokenRequest)
      request.log.info({ token: record.id, by: callerOf(request).id }, 'token made')
      return reply
        .status(201)
        .header('cache-control', 'no-store')
        .send({ ...record, token })
    },
  )

  app.delete(
    '/tokens/:id',
    {
      config,
      schema: {
        tags: ['tokens'],
        summary: 'Revoke a token at once',
        params: TokenParams,
        querystring: closed({}),
        response: { 204: Type.Null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { id } = request.params as Static<typeof TokenParams>
      if (id === callerOf(request).id) {
        throw new ApiError('conflict', 'a token cannot revoke itself: use another operator’s')
      }
      if (!(await context.tokens.remove(id))) throw notFound()
      request.log.info({ token: id, by: callerOf(request).id }, 'token revoked')
      return reply.status(204).send()
    },
  )

  app.get(
    '/audit',
    {
      config,
      schema: {
        tags: ['audit'],
        summary: 'Who changed what, newest first',
        querystring: closed(pageQuery),
        response: { 200: pageOf(AuditEntry), ...PROBLEMS },
      },
    },
    async (request) => {
      const { cursor, limit } = request.query as { cursor?: string; limit?: string }
      const after = cursor === undefined ? null : decodeCursor(cursor)
      if (after !== null && !/^[0-9]{1,16}-[0-9]{1,16}$/.test(after)) {
        throw new ApiError('malformed', 'cursor is not one of this list')
      }
      const size = pageSize(limit)
      const entries = await context.audit.read(size + 1, after)
      const items = entries.slice(0, size)
      const last = items.at(-1)
      const next = entries.length > size && last ? encodeCursor(last.cursor) : null
      return { items, next_cursor: next }
    },
  )
}
