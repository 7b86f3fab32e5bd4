import { MAX_RECORD_VARIABLES, type Variable } from '../transaction/persistent-store.ts'
import type { PendingChange } from './pending-changes.ts'
import type { MergedRecord } from './shared-records.ts'

/**
 * Merges one worker's changes into a record and tells what it is now, in one step.
 *
 * A record is a hash: `v:NAME` value, `t:NAME` when it changed, `e:NAME` when it expires (epoch
 * milliseconds), `c` when the record was made, `u` number of updates. It is gone `timeout` after its last
 * change. Times are the workers': they share a host, or hosts whose clocks agree.
 *
 * ARGV: now, timeout, most fields, then per variable: name, keep|set|unset, value, amount, expiry or ''.
 */
export const MERGE_SCRIPT = `
local key, now = KEYS[1], tonumber(ARGV[1])
local changes = 0
for at = 4, #ARGV, 5 do
  local name, base, value, amount, expiry = unpack(ARGV, at, at + 4)
  local v, t, e = 'v:' .. name, 't:' .. name, 'e:' .. name
  local ends = redis.call('HGET', key, e)
  if base == 'unset' or (ends and tonumber(ends) <= now) then redis.call('HDEL', key, v, t, e) end
  if base ~= 'unset' then
    local before = redis.call('HGET', key, v)
    local hasRoom = before or redis.call('HLEN', key) < tonumber(ARGV[3])
    if hasRoom and base == 'set' then
      redis.call('HSET', key, v, value, t, ARGV[1])
    elseif hasRoom and amount ~= '0' then
      local number = tonumber(string.match(before or '', '^%s*[-+]?%d+') or '0')
      redis.call('HSET', key, v, string.format('%.0f', number + tonumber(amount)), t, ARGV[1])
    end
    if expiry ~= '' and redis.call('HEXISTS', key, v) == 1 then redis.call('HSET', key, e, expiry) end
  end
  changes = changes + 1
end
if changes > 0 and redis.call('EXISTS', key) == 1 then
  redis.call('HSETNX', key, 'c', ARGV[1])
  redis.call('HINCRBY', key, 'u', changes)
  redis.call('PEXPIRE', key, ARGV[2])
end
return redis.call('HGETALL', key)
`

const FIELDS_PER_VARIABLE = 3

export function mergeArguments(
  nowMs: number,
  timeoutMs: number,
  changes: readonly (readonly [string, PendingChange])[],
): string[] {
  const variables = changes.flatMap(([name, { base, value, amount, expiresAt }]) => [
    name,
    base,
    value,
    String(amount),
    expiresAt === null ? '' : String(expiresAt),
  ])
  const mostFields = String(MAX_RECORD_VARIABLES * FIELDS_PER_VARIABLE)
  return [String(nowMs), String(timeoutMs), mostFields, ...variables]
}

/** @param reply of HGETALL: names and values in turn; anything else gives an empty record */
export function readMerged(reply: unknown): MergedRecord {
  const fields = new Map<string, string>()
  if (Array.isArray(reply)) {
    for (let at = 0; at + 1 < reply.length; at += 2) {
      fields.set(String(reply[at]), String(reply[at + 1]))
    }
  }
  const variables: Variable[] = []
  for (const [field, value] of fields) {
    if (!field.startsWith('v:')) continue
    const name = field.slice(2)
    variables.push({
      name,
      value,
      expiresAt: Number(fields.get(`e:${name}`) ?? Infinity),
      updatedAt: Number(fields.get(`t:${name}`) ?? 0),
    })
  }
  const createdAt = fields.get('c')
  return {
    variables,
    createdAt: createdAt === undefined ? null : Number(createdAt),
    updates: Number(fields.get('u') ?? 0),
  }
}
