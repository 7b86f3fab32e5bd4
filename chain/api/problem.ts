import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ApiError, type ErrorCode } from '#chain/errors.ts'
import { schemaErrors } from './schema-errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'
/** Seconds after which a client may try again when the store is away. */
const RETRY_AFTER_SECONDS = 1

/** RFC 9457 problem details, with what programs need: `code` and the places in the body. */
export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String(),
    code: Type.String(),
    request_id: Type.String(),
    errors: Type.Array(Type.Object({ pointer: Type.String(), detail: Type.String() })),
  },
  { additionalProperties: true },
)

/** Fastify's own errors that callers cause, by their code. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'too-large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed',
  FST_ERR_HANDLER_TIMEOUT: 'unavailable',
  FST_ERR_BAD_URL: 'malformed',
}

const PLACES: Readonly<Record<string, string>> = {
  body: 'the body',
  querystring: 'the query string',
  params: 'the path',
  headers: 'the header fields',
}

/** Any failure as a coded error; what is not expected becomes `internal`, without its message. */
export function codedError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const failure = error as Partial<FastifyError>
  if (failure.validation !== undefined) {
    const place = PLACES[failure.validationContext ?? ''] ?? 'the request'
    const errors = schemaErrors(failure.validation)
    const first = errors[0]
    const where = first === undefined || first.pointer === '' ? '' : `${first.pointer} `
    return new ApiError('malformed', `${place}: ${where}${first?.detail ?? 'is not valid'}`, {
      errors,
    })
  }
  const code = Object.hasOwn(FASTIFY_CODES, failure.code ?? '')
    ? FASTIFY_CODES[failure.code ?? '']
    : undefined
  if (code !== undefined) return new ApiError(code, failure.message ?? '')
  if (typeof failure.statusCode === 'number' && failure.statusCode < 500) {
    return new ApiError('malformed', failure.message ?? 'the request cannot be read')
  }
  return new ApiError('internal', 'an unexpected failure; nothing more is told here', {
    cause: error,
  })
}

/** The one place where failures become answers. */
export async function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const coded = codedError(error)
  if (coded.code === 'internal') request.log.error({ err: error }, 'request failed')
  else if (coded.code === 'unavailable') request.log.warn({ err: coded.cause }, coded.message)
  if (coded.code === 'unavailable') reply.header('retry-after', RETRY_AFTER_SECONDS)
  if (coded.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer')
  return reply
    .status(coded.status)
    .header('content-type', PROBLEM_TYPE)
    .serializer(JSON.stringify)
    .send({
      type: `urn:portcullis:problem:${coded.code}`,
      title: coded.title,
      status: coded.status,
      detail: coded.message,
      instance: request.url.split('?', 1)[0],
      code: coded.code,
      request_id: request.id,
      errors: coded.errors,
      ...coded.extensions,
    })
}
