/**
 * One script per write, so that check, change, audit entry and revision are one step.
 *
 * Writes are serialised by the revision of desired state as a whole: the manager reads a picture at
 * revision N, decides (validation, If-Match, conflicts with other resources) on that picture, and the
 * write goes through only while the revision is still N. So what was decided on is what is changed;
 * a per-resource check alone would let two attachments that overlap pass each other.
 */

/**
 * KEYS: revision, resource hash, audit stream.
 * ARGV: expected revision, field, JSON (empty: delete), audit JSON, most audit entries.
 * Returns the new revision, or -1 when the revision is another.
 */
export const WRITE_SCRIPT = `
local current = tonumber(redis.call('GET', KEYS[1]) or '0')
if current ~= tonumber(ARGV[1]) then return -1 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[2], ARGV[2])
else
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[5], '*', 'entry', ARGV[4])
return redis.call('INCR', KEYS[1])
`

/**
 * KEYS: head, snapshot.
 * ARGV: expected head (empty: none), new head, envelope JSON, channel.
 * Returns 1, or 0 when another manager was first.
 */
export const PUBLISH_SCRIPT = `
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[2])
redis.call('PUBLISH', ARGV[4], ARGV[2])
return 1
`

/** KEYS: epoch. ARGV: lowest acceptable epoch. Returns the epoch in force: it never goes down. */
export const RAISE_EPOCH_SCRIPT = `
local current = tonumber(redis.call('GET', KEYS[1]) or '0')
local wanted = tonumber(ARGV[1])
if current >= wanted then return current end
redis.call('SET', KEYS[1], ARGV[1])
return wanted
`
