import { Redis } from 'ioredis'
import { ApiError } from '#chain/errors.ts'
import type { RedisAddress } from './redis-url.ts'

/** Longest wait for the answer to one command; after it the API says 503. */
export const COMMAND_TIMEOUT_MS = 5000
const CONNECT_TIMEOUT_MS = 2000
const MAX_RECONNECT_DELAY_MS = 500

/**
 * A connection for requests: it reconnects for ever, and while it is away commands fail at once in
 * place of queueing, so that the API can say 503.
 */
export function openRedis(address: RedisAddress): Redis {
  const redis = new Redis({
    ...address,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: reconnectDelay,
  })
  // Without a listener ioredis prints each failed attempt; commands report the failure instead.
  redis.on('error', () => {})
  return redis
}

/** A connection for subscriptions, and for BullMQ's blocking commands: it waits, it does not fail. */
export function openWaitingRedis(address: RedisAddress): Redis {
  const redis = new Redis({
    ...address,
    connectTimeout: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: null,
    retryStrategy: reconnectDelay,
  })
  redis.on('error', () => {})
  return redis
}

const reconnectDelay = (attempt: number): number => Math.min(attempt * 50, MAX_RECONNECT_DELAY_MS)

/** Error replies with which a server says that it cannot serve now, as against a bug of ours. */
const AWAY = /^(LOADING|READONLY|MISCONF|OOM|CLUSTERDOWN|MASTERDOWN|NOREPLICAS|TRYAGAIN|BUSY) ?/

/**
 * Turns "Redis is away" into the coded error, and leaves bugs (wrong command, script error) alone.
 *
 * @throws ApiError `unavailable`
 */
export async function reachable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ApiError) throw error
    const failure = error instanceof Error ? error : new Error(String(error))
    if (failure.name === 'ReplyError' && !AWAY.test(failure.message)) throw failure
    throw new ApiError('unavailable', 'Redis does not answer; what was asked may be repeated', {
      cause: failure,
    })
  }
}

/**
 * Waits until a connection answers.
 *
 * @throws Error that says what was awaited when the deadline passes
 */
export async function untilReady(redis: Redis, deadlineMs: number): Promise<void> {
  if (redis.status === 'ready') return
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(
    () => reject(new Error(`Redis did not answer within ${deadlineMs} ms`)),
    deadlineMs,
  )
  redis.once('ready', resolve)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    redis.off('ready', resolve)
  }
}
