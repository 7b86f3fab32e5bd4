import type { FastifyReply, FastifyRequest } from 'fastify'
import { ApiError } from '#chain/errors.ts'
import type { Actor } from '#chain/store/desired-store.ts'
import type { Role, TokenRecord, TokenStore } from '#chain/store/token-store.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the `authenticate` hook on every route under `/v1`. */
    caller: TokenRecord | null
  }
  interface FastifyContextConfig {
    /** Roles that may use the route. A route under `/v1` without them is refused to everybody. */
    roles?: readonly Role[]
  }
}

export const OPERATOR: readonly Role[] = ['operator']
export const TENANTS: readonly Role[] = ['operator', 'tenant']
export const EVERYONE: readonly Role[] = ['operator', 'tenant', 'analyst']

/** Finds out who calls, and refuses roles that the route does not list. */
export function authenticate(tokens: TokenStore) {
  return async (request: FastifyRequest, _reply: FastifyReply): Promise<void> => {
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ', 2)
    const caller =
      scheme?.toLowerCase() === 'bearer' && token !== '' ? await tokens.verify(token) : null
    if (caller === null) {
      throw new ApiError(
        'unauthenticated',
        'send `Authorization: Bearer TOKEN`; the token is missing, unknown or expired',
      )
    }
    request.caller = caller
    const roles = request.routeOptions.config.roles ?? []
    if (request.is404 || roles.includes(caller.role)) return
    throw new ApiError('forbidden', `a token of role ${caller.role} cannot do this`)
  }
}

/** Who calls; the hook has run on every route that asks. */
export function callerOf(request: FastifyRequest): TokenRecord {
  if (request.caller === null) throw new ApiError('unauthenticated', 'no token')
  return request.caller
}

export function actorOf(request: FastifyRequest, tenant: string): Actor {
  return { token: callerOf(request).id, tenant, requestId: request.id, address: request.ip }
}

/**
 * Tenants whose things a caller sees: null means all. To ask for another's is answered as if the
 * tenant had nothing, so that nobody learns who else is here.
 *
 * @throws ApiError `not-found`
 */
export function visibleTenant(caller: TokenRecord, asked: string | undefined): string | null {
  if (caller.role === 'operator') return asked ?? null
  if (asked !== undefined && asked !== caller.tenant) throw notFound()
  return caller.tenant
}

export const notFound = (): ApiError => new ApiError('not-found', 'no such thing, or not yours')
