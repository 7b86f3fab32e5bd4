import type { FastifyInstance } from 'fastify'
import { ApiError } from '#chain/errors.ts'
import type { ApiContext } from './context.ts'

/** What machines ask of the process itself. No token: nothing of a tenant is told. */
export function registerService(app: FastifyInstance, context: ApiContext): void {
  const schema = { hide: true }

  app.get('/healthz', { schema }, async () => ({ status: 'ok' }))

  app.get('/readyz', { schema }, async () => {
    const reasons = await context.notReady()
    if (reasons.length === 0) return { status: 'ready' }
    throw new ApiError('unavailable', reasons.join('; '))
  })

  app.get('/metrics', { schema }, async (_request, reply) =>
    reply.header('content-type', context.metrics.contentType).send(await context.metrics.metrics()),
  )

  app.get('/openapi.json', { schema }, async () => app.swagger())
}
