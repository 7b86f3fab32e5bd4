import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { ApiError } from '#chain/errors.ts'
import { type AlertFilter, type AlertPosition, timeUs } from '#chain/alerts/alert-query.ts'
import { MAX_STREAMS } from '#chain/alerts/feed.ts'
import type { StoredAlert } from '#chain/alerts/inbox.ts'
import { AlertRecord } from '#chain/model/eve.ts'
import { callerOf, EVERYONE, notFound, visibleTenant } from './auth.ts'
import type { ApiContext } from './context.ts'
import { decodeCursor, encodeCursor, pageSize } from './page.ts'
import { closed, pageOf, pageQuery, PROBLEMS, tenantQuery } from './resource-schemas.ts'

/** Comment lines on an idle stream, so that proxies and clients see that it lives. */
export const HEARTBEAT_MS = 15_000
/** Longest life of one stream: who holds it has to show a valid token again, and resumes. */
export const MAX_STREAM_MS = 3_600_000
/** Bytes that may wait for a slow reader before the stream pauses. */
export const MAX_STREAM_BUFFER_BYTES = 1_048_576

const text = Type.String({ minLength: 1, maxLength: 256 })

const filterQuery = {
  ...tenantQuery,
  port: Type.Optional(text),
  attachment: Type.Optional(text),
  chain: Type.Optional(text),
  inspector: Type.Optional(text),
  /** Signature id, or a part of the signature's text. */
  signature: Type.Optional(text),
  verdict: Type.Optional(text),
  request_id: Type.Optional(text),
  src_ip: Type.Optional(text),
  /** RFC 3339; inclusive. */
  since: Type.Optional(text),
  /** RFC 3339; exclusive. */
  until: Type.Optional(text),
}
const FilterQuery = closed(filterQuery)
type FilterQuery = Static<typeof FilterQuery>

const ListQuery = closed({ ...filterQuery, ...pageQuery })
const AlertView = Type.Object({ ...AlertRecord.properties }, { additionalProperties: true })

/** Alert routes. Records are sent as they are stored, so that fields of later versions pass. */
export function registerAlerts(app: FastifyInstance, context: ApiContext): void {
  const config = { roles: EVERYONE }
  const tags = ['alerts']

  app.get(
    '/alerts',
    {
      config,
      schema: {
        tags,
        summary: 'Alerts, newest first (EVE records)',
        querystring: ListQuery,
        response: { 200: pageOf(AlertView), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const query = request.query as Static<typeof ListQuery>
      const before = query.cursor === undefined ? null : positionOf(query.cursor)
      const size = pageSize(query.limit)
      const alerts = context.inbox.list(filterOf(request, query), before, size + 1)
      const items = alerts.slice(0, size)
      const last = items.at(-1)
      const next = alerts.length > size && last ? encodeCursor(`${last.timeUs}.${last.seq}`) : null
      return reply
        .header('content-type', 'application/json; charset=utf-8')
        .send(
          `{"items":[${items.map(({ json }) => json).join(',')}],"next_cursor":${JSON.stringify(next)}}`,
        )
    },
  )

  app.get(
    '/alerts/:id',
    {
      config,
      schema: {
        tags,
        summary: 'One alert by its id',
        params: closed({ id: text }),
        querystring: closed(tenantQuery),
        response: { 200: AlertView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const visible = visibleTenant(callerOf(request), (request.query as FilterQuery).tenant)
      const alert = context.inbox.get((request.params as { id: string }).id)
      if (alert === null || (visible !== null && alert.tenant !== visible)) throw notFound()
      return reply.header('content-type', 'application/json; charset=utf-8').send(alert.json)
    },
  )

  app.get(
    '/alerts/stream',
    {
      config,
      schema: {
        tags,
        summary: 'Alerts as they come (server-sent events; Last-Event-ID resumes)',
        querystring: FilterQuery,
      },
    },
    async (request, reply) => {
      const filter = filterOf(request, request.query as FilterQuery)
      const seq = resumeFrom(request) ?? context.inbox.lastSeq()
      if (context.feed.streams >= MAX_STREAMS) {
        throw new ApiError('too-many', `${MAX_STREAMS} streams are open already`)
      }
      stream(context, reply, filter, seq)
      return reply
    },
  )
}

function resumeFrom(request: FastifyRequest): number | null {
  const header = request.headers['last-event-id']
  if (typeof header !== 'string') return null
  if (/^[0-9]{1,15}$/.test(header)) return Number(header)
  throw new ApiError('malformed', 'Last-Event-ID must be the id of an event of this stream')
}

function stream(context: ApiContext, reply: FastifyReply, filter: AlertFilter, seq: number): void {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-request-id': reply.request.id,
  })
  raw.write(`: from ${seq}\n\n`)
  const deliver = ({ seq, json }: StoredAlert): boolean => {
    raw.write(`id: ${seq}\nevent: alert\ndata: ${json}\n\n`)
    return raw.writableLength < MAX_STREAM_BUFFER_BYTES
  }
  const subscription = context.feed.subscribe(filter, seq, deliver)
  const end = setTimeout(() => raw.end(), MAX_STREAM_MS)
  const heartbeat = setInterval(() => {
    if (raw.writableLength < MAX_STREAM_BUFFER_BYTES) raw.write(': alive\n\n')
  }, HEARTBEAT_MS)
  raw.on('drain', () => subscription?.resume())
  raw.on('close', () => {
    clearInterval(heartbeat)
    clearTimeout(end)
    subscription?.cancel()
  })
  raw.on('error', () => {})
}

function filterOf(request: FastifyRequest, query: FilterQuery): AlertFilter {
  const tenant = visibleTenant(callerOf(request), query.tenant)
  const since = instant(query.since, 'since')
  const until = instant(query.until, 'until')
  return {
    ...(tenant === null ? {} : { tenant }),
    ...(query.port === undefined ? {} : { port: query.port }),
    ...(query.attachment === undefined ? {} : { attachment: query.attachment }),
    ...(query.chain === undefined ? {} : { chain: query.chain }),
    ...(query.inspector === undefined ? {} : { inspector: query.inspector }),
    ...(query.signature === undefined ? {} : { signature: query.signature }),
    ...(query.verdict === undefined ? {} : { verdict: query.verdict }),
    ...(query.request_id === undefined ? {} : { requestId: query.request_id }),
    ...(query.src_ip === undefined ? {} : { source: query.src_ip }),
    ...(since === null ? {} : { sinceUs: since }),
    ...(until === null ? {} : { untilUs: until }),
  }
}

function instant(value: string | undefined, name: string): number | null {
  if (value === undefined) return null
  const us = timeUs(value)
  if (us !== null) return us
  throw new ApiError('malformed', `${name} must be a time like 2026-07-08T02:54:07Z`, {
    errors: [{ pointer: `/${name}`, detail: 'is not RFC 3339 with a zone' }],
  })
}

function positionOf(cursor: string): AlertPosition {
  const match = /^([0-9]{1,16})\.([0-9]{1,16})$/.exec(decodeCursor(cursor))
  if (match === null) throw new ApiError('malformed', 'cursor is not one of this list')
  return { timeUs: Number(match[1]), seq: Number(match[2]) }
}
