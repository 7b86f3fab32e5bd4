/** Where Redis is, in the form that ioredis and BullMQ take. */
export type RedisAddress =
  | { readonly path: string }
  | {
      readonly host: string
      readonly port: number
      readonly db: number
      readonly username?: string
      readonly password?: string
      readonly tls?: Record<string, never>
    }

/**
 * `redis://[user:password@]host[:port][/db]`, `rediss://...` with TLS, `unix:///path` or `/path`.
 *
 * @throws Error with what is wrong; the text never repeats a password
 */
export function parseRedisUrl(text: string): RedisAddress {
  if (text.startsWith('/')) return { path: text }
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new Error('the Redis URL is not a URL: say redis://HOST:PORT, rediss://… or unix:///PATH')
  }
  if (url.protocol === 'unix:') return { path: decodeURIComponent(url.pathname) }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new Error(
      `the Redis URL has scheme ${url.protocol} but redis:, rediss: or unix: is needed`,
    )
  }
  const database = url.pathname === '' || url.pathname === '/' ? '0' : url.pathname.slice(1)
  if (!/^[0-9]{1,3}$/.test(database)) {
    throw new Error('the path of the Redis URL must be a database number')
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1',
    port: url.port === '' ? 6379 : Number(url.port),
    db: Number(database),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
  }
}
