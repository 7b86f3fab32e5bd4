import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { ApiError } from '#chain/errors.ts'
import type { Stored } from '#chain/model/desired.ts'
import { Name } from '#chain/model/names.ts'
import { InstalledVersion, RuleSet } from '#chain/model/rule-set.ts'
import type { Activation } from '#chain/rule-sets/rule-sets.ts'
import { MAX_BUNDLE_BYTES } from '#signatures/bundle/bundle.ts'
import { actorOf, callerOf, notFound, OPERATOR, TENANTS } from './auth.ts'
import type { ApiContext } from './context.ts'
import { page, pageSize } from './page.ts'
import { etagOf } from './precondition.ts'
import { waitMs } from './realize.ts'
import { closed, pageOf, pageQuery, PROBLEMS, waitQuery } from './resource-schemas.ts'

export const BUNDLE_MEDIA_TYPE = 'application/gzip'
/** Default of `?timeout=` here: every worker loads the rules anew, one after the other. */
export const ACTIVATION_WAIT_SECONDS = 60
/** Uploads that are checked at once: each may take a core for seconds. */
export const MAX_CONCURRENT_UPLOADS = 2

const NameParams = closed({ name: Name })
type NameParams = Static<typeof NameParams>
const WaitQuery = closed(waitQuery)
type WaitQuery = Static<typeof WaitQuery>

const RuleSetView = Type.Object({
  ...RuleSet.properties,
  revision: Type.Integer(),
  updated_at: Type.String(),
})

const Rejection = Type.Object(
  {
    file: Type.String(),
    line: Type.Integer(),
    column: Type.Integer(),
    code: Type.String(),
    reason: Type.String(),
  },
  { additionalProperties: true },
)

const UploadView = Type.Object(
  {
    name: Name,
    version: Name,
    sha256: InstalledVersion.properties.sha256,
    accepted: Type.Integer(),
    rejected: Type.Integer(),
    rejections: Type.Array(Rejection),
    refusal: InstalledVersion.properties.refusal,
  },
  { additionalProperties: true },
)

const ActivationView = Type.Object({
  ...RuleSet.properties,
  state: Type.Union([Type.Literal('realized'), Type.Literal('pending')]),
  pending: Type.Array(Type.String()),
})

/** Rule sets belong to the installation: operators change them, tenants see and name them. */
export function registerRuleSets(app: FastifyInstance, context: ApiContext): void {
  const tags = ['rule-sets']
  let uploads = 0

  app.get(
    '/rule-sets',
    {
      config: { roles: TENANTS },
      schema: {
        tags,
        summary: 'List rule sets',
        querystring: closed(pageQuery),
        response: { 200: pageOf(RuleSetView), ...PROBLEMS },
      },
    },
    async (request) => {
      const { cursor, limit } = request.query as { cursor?: string; limit?: string }
      const state = await context.store.load()
      const { items, nextCursor } = page([...state.ruleSets], cursor, pageSize(limit))
      return { items: items.map(show), next_cursor: nextCursor }
    },
  )

  app.get(
    '/rule-sets/:name',
    {
      config: { roles: TENANTS },
      schema: {
        tags,
        summary: 'Read one rule set',
        params: NameParams,
        querystring: closed({}),
        response: { 200: RuleSetView, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const state = await context.store.load()
      const stored = state.ruleSets.get((request.params as NameParams).name)
      if (stored === undefined) throw notFound()
      return reply.header('etag', etagOf(stored.revision)).send(show(stored))
    },
  )

  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      BUNDLE_MEDIA_TYPE,
      { parseAs: 'buffer', bodyLimit: MAX_BUNDLE_BYTES },
      (_request, body, done) => done(null, body),
    )
    scope.post(
      '/rule-sets/:name/versions',
      {
        config: { roles: OPERATOR },
        bodyLimit: MAX_BUNDLE_BYTES,
        schema: {
          tags,
          summary: 'Upload a version (tar.gz); the same content is the same version',
          consumes: [BUNDLE_MEDIA_TYPE],
          params: NameParams,
          querystring: closed({}),
          response: { 200: UploadView, 201: UploadView, ...PROBLEMS },
        },
      },
      async (request, reply) => {
        const { name } = request.params as NameParams
        if (!Buffer.isBuffer(request.body)) {
          throw new ApiError('malformed', `send a tar.gz as ${BUNDLE_MEDIA_TYPE}`)
        }
        if (uploads >= MAX_CONCURRENT_UPLOADS) {
          throw new ApiError('too-many', `${uploads} uploads are being checked: try again soon`)
        }
        uploads++
        try {
          const actor = actorOf(request, callerOf(request).tenant)
          const { version, report, isNew } = await context.ruleSets.install(
            actor,
            name,
            request.body,
          )
          const { sha256, refusal } = version
          return await reply
            .status(isNew ? 201 : 200)
            .header('location', `/v1/rule-sets/${name}`)
            .send({ ...report, name, version: version.version, sha256, refusal })
        } finally {
          uploads--
        }
      },
    )
  })

  const switchSchema = {
    tags,
    params: NameParams,
    querystring: WaitQuery,
    response: { 200: ActivationView, ...PROBLEMS },
  }
  const Activate = closed({ version: Name })

  app.post(
    '/rule-sets/:name/activate',
    {
      config: { roles: OPERATOR },
      schema: {
        ...switchSchema,
        summary: 'Put a version in force on every chain that names the set',
        body: Activate,
      },
    },
    async (request) => {
      const { version } = request.body as Static<typeof Activate>
      const { name } = request.params as NameParams
      const { query, actor } = switchOf(request)
      return answer(query, await context.ruleSets.activate(actor, name, version, query.ms))
    },
  )

  app.post(
    '/rule-sets/:name/rollback',
    {
      config: { roles: OPERATOR },
      schema: { ...switchSchema, summary: 'Return to the version that was active before' },
    },
    async (request) => {
      const { name } = request.params as NameParams
      const { query, actor } = switchOf(request)
      return answer(query, await context.ruleSets.rollback(actor, name, query.ms))
    },
  )
}

function switchOf(request: Parameters<typeof callerOf>[0]) {
  const { wait, timeout } = request.query as WaitQuery
  const isWaiting = wait === 'realized'
  return {
    query: { isWaiting, ms: isWaiting ? waitMs(timeout, ACTIVATION_WAIT_SECONDS) : 0 },
    actor: actorOf(request, callerOf(request).tenant),
  }
}

function answer({ isWaiting }: { isWaiting: boolean }, { ruleSet, pending }: Activation): object {
  if (isWaiting && pending.length > 0) {
    throw new ApiError(
      'not-realized',
      `${ruleSet.name} is not in force everywhere: ${pending[0]}`,
      {
        extensions: { pending },
      },
    )
  }
  return { ...ruleSet, state: pending.length === 0 ? 'realized' : 'pending', pending }
}

const show = ({ value, revision, updatedAt }: Stored<RuleSet>): object => ({
  ...value,
  revision,
  updated_at: updatedAt,
})
