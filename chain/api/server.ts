import swagger from '@fastify/swagger'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import hyperid from 'hyperid'
import { ApiError } from '#chain/errors.ts'
import { registerAdministration } from './administration.ts'
import { registerAlerts } from './alerts.ts'
import { authenticate, notFound } from './auth.ts'
import type { ApiContext } from './context.ts'
import { requestMetrics } from './metrics.ts'
import { sendProblem } from './problem.ts'
import { MAX_WAIT_SECONDS } from '#chain/plan/wait.ts'
import { registerResource } from './resource.ts'
import { attachmentResource, chainResource, portResource } from './resources.ts'
import { registerRuleSets } from './rule-sets.ts'
import { registerService } from './service.ts'
import { registerStatus } from './status.ts'

/** Largest JSON body; a chain of all inspectors with a thousand exclusions fits. */
export const MAX_BODY_BYTES = 262_144
/** Time in which a request must have come in whole; a 64 MiB bundle over a slow line is the longest. */
const REQUEST_TIMEOUT_MS = 120_000
const CONNECTION_TIMEOUT_MS = 0
const HEADERS_TIMEOUT_MS = 10_000
const KEEP_ALIVE_TIMEOUT_MS = 30_000
/** Longest a handler may take: the longest `?wait=realized`, and some. */
const HANDLER_TIMEOUT_MS = (MAX_WAIT_SECONDS + 15) * 1000
const MAX_PARAM_LENGTH = 256

/** The API. Nothing listens yet: call `listen`, or `inject` in tests. */
export async function buildServer(
  context: ApiContext,
  logger: FastifyBaseLogger,
  version: string,
): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: logger,
    // Changes are in the audit log and counts in the metrics; reading is not news.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: hyperid({ urlSafe: true, fixedLength: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    handlerTimeout: HANDLER_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: true,
    return503OnClosing: true,
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    // Typed JSON only: nothing is coerced, dropped or filled in behind the caller's back.
    ajv: {
      customOptions: {
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
        allErrors: false,
      },
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  // Views are built field by field, so a second, schema-driven filter would only hide mistakes.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler(async (_request, _reply) => {
    throw notFound()
  })
  app.decorateRequest('caller', null)
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
  })
  // Unread bodies of refused methods and oversized uploads must not keep connections.
  app.addHook('onRequest', async (request) => {
    if (request.method === 'TRACE') throw new ApiError('method-not-allowed', 'not here')
  })

  const observe = requestMetrics(context.metrics)
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    observe(request.method, route, reply.statusCode, reply.elapsedTime / 1000)
    const { method, ip } = request
    const ms = Math.round(reply.elapsedTime)
    request.log.debug({ method, route, ip, status: reply.statusCode, ms }, 'answered')
  })

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Portcullis',
        version,
        description: 'L7 inspection for every virtual port. Errors are RFC 9457 problems.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  })

  registerService(app, context)
  await app.register(
    async (v1) => {
      v1.addHook('onRequest', authenticate(context.tokens))
      registerResource(v1, context, portResource)
      registerResource(v1, context, chainResource)
      registerResource(v1, context, attachmentResource)
      registerStatus(v1, context)
      registerRuleSets(v1, context)
      registerAlerts(v1, context)
      registerAdministration(v1, context)
    },
    { prefix: '/v1' },
  )
  await app.ready()
  return app
}
