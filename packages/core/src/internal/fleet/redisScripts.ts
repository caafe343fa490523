/**
 * What has to happen at once in Redis.
 *
 * A key has an entry (a hash: `version`, `value`, `by`), a lease (a string with a time to live) and a fence (a hash: `token` of
 * the newest lease, `held` unless it was given back, `removed` for the version that was removed under it). The fence outlives
 * the lease, so that who comes late can still save as long as nobody else came, and goes after a day.
 *
 * Numbers are written with `%.0f`: Lua has no integers here, and writes great ones in powers of ten.
 *
 * @internal
 */
import * as Redis from "effect/persistence/Redis"

/** The day after which a fence, and the number of the last change, may go, in milliseconds. */
const life = 86_400_000

/**
 * Tells a change: the number of the one before it, its own, and the name. Who did not hear the one before has missed something.
 * The clock is in the numbers, as it is in tokens.
 *
 * It comes before the change: a user that may not publish stops the script there, and nothing that a script has done is undone.
 * Nobody hears of it before the script has ended.
 */
const tell = `
local time = redis.call('TIME')
local last = redis.call('GET', KEYS[4]) or '0'
local this = tonumber(time[1]) * 1000000 + tonumber(time[2])
if this <= tonumber(last) then this = tonumber(last) + 1 end
this = string.format('%.0f', this)
redis.call('PUBLISH', ARGV[4], last .. ' ' .. this .. ' ' .. ARGV[3])
redis.call('SET', KEYS[4], this, 'PX', ${life})
`.trim()

/** The token has the clock in it: whatever a failover loses, none is handed out twice. */
export const acquire = Redis.script(
  (lease: string, fence: string, ttl: number) => [lease, fence, ttl],
  {
    numberOfKeys: 2,
    lua: `
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local time = redis.call('TIME')
local token = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('HGET', KEYS[2], 'token') or '0')
if token <= last then token = last + 1 end
local text = string.format('%.0f', token)
if not redis.call('SET', KEYS[1], text, 'NX', 'PX', ARGV[1]) then return false end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'token', text, 'held', '1')
redis.call('PEXPIRE', KEYS[2], tonumber(ARGV[1]) + ${life})
return text`
  }
).withReturnType<string | null>()

export const renew = Redis.script(
  (lease: string, fence: string, token: string, ttl: number) => [lease, fence, token, ttl],
  {
    numberOfKeys: 2,
    lua: `
local fence = redis.call('HMGET', KEYS[2], 'token', 'held')
if fence[1] ~= ARGV[1] or not fence[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[2], tonumber(ARGV[2]) + ${life})
return 1`
  }
).withReturnType<number>()

export const release = Redis.script(
  (lease: string, fence: string, token: string) => [lease, fence, token],
  {
    numberOfKeys: 2,
    lua: `
if redis.call('HGET', KEYS[2], 'token') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[2], 'held')
redis.call('DEL', KEYS[1])
return 1`
  }
).withReturnType<number>()

/** The new version, or `L` for a lost lease, `C` for a conflict. The same holder may repeat what it did not hear of. */
export const save = Redis.script(
  (keys: ChangedKeys, token: string, expected: number, value: string) => [
    keys.entry,
    keys.fence,
    keys.index,
    keys.last,
    token,
    expected,
    keys.name,
    keys.channel,
    value
  ],
  {
    numberOfKeys: 4,
    lua: `
local fence = redis.call('HMGET', KEYS[2], 'token', 'held')
if fence[1] ~= ARGV[1] or not fence[2] then return 'L' end
local entry = redis.call('HMGET', KEYS[1], 'version', 'by', 'value')
local version = tonumber(entry[1] or '0')
local expected = tonumber(ARGV[2])
local next = string.format('%.0f', expected + 1)
if version ~= expected then
  if entry[1] == next and entry[2] == ARGV[1] and entry[3] == ARGV[5] then return next end
  return 'C'
end
${tell}
redis.call('HSET', KEYS[1], 'version', next, 'by', ARGV[1], 'value', ARGV[5])
redis.call('HDEL', KEYS[2], 'removed')
redis.call('ZADD', KEYS[3], 0, ARGV[3])
return next`
  }
).withReturnType<string>()

/** `1`, or as `save`. */
export const remove = Redis.script(
  (keys: ChangedKeys, token: string, expected: number | "any") => [
    keys.entry,
    keys.fence,
    keys.index,
    keys.last,
    token,
    expected,
    keys.name,
    keys.channel
  ],
  {
    numberOfKeys: 4,
    lua: `
local fence = redis.call('HMGET', KEYS[2], 'token', 'held', 'removed')
if fence[1] ~= ARGV[1] or not fence[2] then return 'L' end
if ARGV[2] ~= 'any' then
  local version = redis.call('HGET', KEYS[1], 'version')
  if version ~= ARGV[2] then
    if not version and fence[3] == ARGV[2] then return '1' end
    return 'C'
  end
end
${tell}
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[2], 'removed', ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[3])
return '1'`
  }
).withReturnType<string>()

/**
 * What cannot be an entry goes out of the way, under a name of its own, for somebody to look at: 1. There is nothing: 0. Somebody
 * wrote an entry since it was looked for: 2.
 */
export const setAside = Redis.script(
  (entry: string, index: string, aside: string, name: string) => [entry, index, aside, name],
  {
    numberOfKeys: 3,
    lua: `
local kind = redis.call('TYPE', KEYS[1])['ok']
if kind == 'none' then return 0 end
if kind == 'hash' then
  local entry = redis.call('HMGET', KEYS[1], 'version', 'value')
  if entry[1] and entry[2] and string.find(entry[1], '^[1-9]%d*$') and #entry[1] <= 16 then return 2 end
end
local time = redis.call('TIME')
redis.call('RENAME', KEYS[1], KEYS[3] .. time[1] .. time[2] .. ':' .. ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1`
  }
).withReturnType<number>()

/** An earlier time does not replace a later one. */
export const postpone = Redis.script(
  (issuer: string, until: number, left: number) => [issuer, until, left],
  {
    numberOfKeys: 1,
    lua: `
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`
  }
).withReturnType<number>()

/** When it was said to end, and how many milliseconds are left. */
export const notBefore = Redis.script((issuer: string) => [issuer], {
  numberOfKeys: 1,
  lua: `return { redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]) }`
}).withReturnType<readonly [until: string | null, left: number]>()

/** The names for a change of an entry. */
export interface ChangedKeys {
  readonly entry: string
  readonly fence: string
  readonly index: string
  /** Where the number of the last change is. */
  readonly last: string
  readonly name: string
  readonly channel: string
}
