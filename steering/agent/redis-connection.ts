import { Redis, type RedisOptions } from 'ioredis'
import { AgentError } from './errors.ts'

const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 2000
const COMMAND_TIMEOUT_MS = 5000

/**
 * Where Redis is: `redis://`, `rediss://` or `unix:/path/to/socket`.
 *
 * @throws AgentError `CONFIG_INVALID`
 */
export function redisLocation(text: string): { readonly path: string } | { readonly url: string } {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length).replace(/^\/\//, '')
    if (path.startsWith('/')) return { path }
  } else if (URL.canParse(text) && ['redis:', 'rediss:'].includes(new URL(text).protocol)) {
    return { url: text }
  }
  throw new AgentError('CONFIG_INVALID', `--redis ${text}: want redis://HOST:PORT or unix:/PATH`)
}

/**
 * A connection for commands. While Redis is away they fail at once, so that nothing piles up in
 * memory: whoever asks has a timer of its own.
 */
export function commandConnection(location: string, onError: (error: Error) => void): Redis {
  const options = { enableOfflineQueue: false, maxRetriesPerRequest: 0 }
  return connection(location, { ...options, commandTimeout: COMMAND_TIMEOUT_MS }, onError)
}

/** A connection for subscriptions: they are kept and made again after a lost connection. */
export function subscriberConnection(location: string, onError: (error: Error) => void): Redis {
  return connection(location, { maxRetriesPerRequest: null, autoResubscribe: true }, onError)
}

function connection(
  location: string,
  options: RedisOptions,
  onError: (error: Error) => void,
): Redis {
  const where = redisLocation(location)
  const all: RedisOptions = {
    ...options,
    retryStrategy: (times) => {
      const pauseMs = Math.min(RETRY_MIN_MS * 2 ** Math.min(times, 10), RETRY_MAX_MS)
      return pauseMs * (0.75 + Math.random() / 4)
    },
  }
  const redis =
    'path' in where ? new Redis({ ...all, path: where.path }) : new Redis(where.url, all)
  redis.on('error', onError)
  return redis
}
