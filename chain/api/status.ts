import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { AttachmentState, DomainStatus, HostStatus } from '#chain/model/status.ts'
import { AttachmentView } from '#chain/plan/attachment-view.ts'
import type { KnownHost } from '#chain/plan/host-directory.ts'
import { callerOf, notFound, TENANTS, visibleTenant } from './auth.ts'
import type { ApiContext } from './context.ts'
import { statusOf } from './realize.ts'
import { closed, IdParams, PROBLEMS, tenantQuery } from './resource-schemas.ts'
import { tenantMeant } from './scope.ts'
import { scopedKey } from '#chain/model/desired.ts'

/** An agent's own report; of a gone one, what is left of it. */
const HostView = Type.Object({
  ...Type.Partial(HostStatus).properties,
  host: Type.String(),
  /** `gone`: its lease ran out, so nothing is known of its ports and attachments now. */
  state: Type.Union([Type.Literal('live'), Type.Literal('gone')]),
  /** Snapshot generation that the host has been given. */
  wantedGeneration: Type.Union([Type.Integer(), Type.Null()]),
})

const StatusView = Type.Object({
  /** Revision of desired state. */
  revision: Type.Integer(),
  /** Operators see every host; tenants see none. */
  hosts: Type.Array(HostView),
  domains: Type.Array(Type.Object({ host: Type.String(), ...DomainStatus.properties })),
  /** Attachments by state, as agents report them. */
  attachments: Type.Record(Type.String(), Type.Integer()),
  not_realized: Type.Array(
    Type.Object({
      tenant: Type.String(),
      id: Type.String(),
      state: AttachmentState,
      reason: Type.Optional(Type.String()),
    }),
  ),
})

/** Most attachments that `not_realized` lists; the counts are always whole. */
const MAX_LISTED = 100

/** What agents report, never what was asked. */
export function registerStatus(app: FastifyInstance, context: ApiContext): void {
  const config = { roles: TENANTS }
  const tags = ['status']

  app.get(
    '/status',
    {
      config,
      schema: {
        tags,
        summary: 'Hosts, inspection domains and attachments as the agents report them',
        querystring: closed(tenantQuery),
        response: { 200: StatusView, ...PROBLEMS },
      },
    },
    async (request) => {
      const caller = callerOf(request)
      const visible = visibleTenant(caller, (request.query as { tenant?: string }).tenant)
      const isVisible = (tenant: string): boolean => visible === null || tenant === visible
      const state = await context.store.load()
      const hosts = context.hosts.all()
      const views = [...state.attachments.values()]
        .filter(({ value }) => isVisible(value.tenant))
        .map(({ value }) => ({ attachment: value, view: statusOf(context, value, state) }))
      return {
        revision: state.revision,
        hosts: caller.role === 'operator' ? hosts.map((known) => showHost(known, context)) : [],
        domains: hosts.flatMap(({ host, status }) =>
          (status?.domains ?? [])
            .filter(({ tenant }) => isVisible(tenant))
            .map((domain) => ({ host, ...domain })),
        ),
        attachments: countBy(views.map(({ view }) => view.state)),
        not_realized: views
          .filter(({ view }) => view.state !== 'realized')
          .slice(0, MAX_LISTED)
          .map(({ attachment: { tenant, id }, view }) => ({
            tenant,
            id,
            state: view.state,
            ...(view.reason === undefined ? {} : { reason: view.reason }),
          })),
      }
    },
  )

  app.get(
    '/attachments/:id/status',
    {
      config,
      schema: {
        tags,
        summary: 'Status of one attachment',
        params: IdParams,
        querystring: closed(tenantQuery),
        response: { 200: AttachmentView, ...PROBLEMS },
      },
    },
    async (request) => {
      const state = await context.store.load()
      const { id } = request.params as { id: string }
      const asked = [(request.query as { tenant?: string }).tenant]
      const tenant = tenantMeant(callerOf(request), asked, state.attachments, id)
      const stored = state.attachments.get(scopedKey(tenant ?? '', id))
      if (stored === undefined) throw notFound()
      return statusOf(context, stored.value, state)
    },
  )
}

function showHost({ host, status, last }: KnownHost, context: ApiContext): object {
  const wantedGeneration = context.planner.of(host)?.generation ?? null
  if (status !== null) return { ...status, state: 'live', wantedGeneration }
  const nothing = { switchConnected: false, ports: [], attachments: [], domains: [] }
  return { ...last, ...nothing, host, state: 'gone', wantedGeneration }
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Object.fromEntries(counts)
}
