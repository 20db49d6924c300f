import { isObject } from '../merge.ts'

/** For how long a read lets a session live on. */
export interface Sliding {
  /** Where the session itself says nothing: milliseconds. */
  readonly defaultMs: number
  /** A session that has lost less than this of its time is left as it is; -1 where none is ever moved. */
  readonly afterMs: number
  /** How a session says for how long it lives: by `cookie.originalMaxAge`, or by koa-session's `_maxAge`, at its end. */
  readonly by: 'cookie' | 'maxAge'
}

/** More than 30 years. An end much further away is more than Redis can keep. */
export const LONGEST_MS = 1e12

/** koa-session keeps what it stores for longer than the cookie that names it. */
export const KOA_SLACK_MS = 10_000

/** What an encrypted record begins with: how long it lives on, in clear, as a read must know that. */
export const SEALED: RegExp = /^holdfast:1:(\d+):/

/**
 * How long a session lives from now on, by its bytes, and the bytes as they are from now on.
 *
 * express-session writes the cookie first, and a quotation mark within a text is escaped, so that mostly nothing has to be parsed.
 * A record that says nothing, or cannot be read, has the default.
 */
export function lifetime(bytes: Uint8Array, { defaultMs, by }: Sliding, now: number): { ttlMs: number; bytes: Uint8Array } {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const [, sealedMs] = SEALED.exec(text) ?? []
  if (sealedMs !== undefined) return { ttlMs: within(Number(sealedMs)), bytes }
  if (by === 'maxAge') {
    const [, before, maxAge] = /^([\s\S]*"_expire":)\d+,"_maxAge":(\d+)\}$/.exec(text) ?? []
    if (before === undefined) return { ttlMs: defaultMs, bytes }
    const ttlMs = within(Number(maxAge))
    return { ttlMs: ttlMs + KOA_SLACK_MS, bytes: Buffer.from(`${before}${now + ttlMs},"_maxAge":${maxAge}}`, 'latin1') }
  }
  const [, first] = /^\{"cookie":\{"originalMaxAge":(\d+|null)[,}]/.exec(text) ?? []
  const maxAge = first === undefined ? maxAgeIn(bytes) : Number(first)
  return { ttlMs: typeof maxAge === 'number' && maxAge > 0 ? within(maxAge) : defaultMs, bytes }
}

function within(ms: number): number {
  return Math.max(1, Math.min(Math.floor(ms), LONGEST_MS))
}

function maxAgeIn(bytes: Uint8Array): unknown {
  try {
    const session: unknown = JSON.parse(Buffer.from(bytes).toString())
    return isObject(session) && isObject(session['cookie']) ? session['cookie']['originalMaxAge'] : undefined
  } catch {
    return undefined
  }
}

/** The same in Lua: `lifetime(bytes, default, by)` gives the milliseconds, and the bytes where they change. Nothing is encoded again. */
export const lifetimeLua: string = `
  local function within(ms)
    return math.max(1, math.min(math.floor(ms), 1e12))
  end
  local function max_age_in(bytes)
    return cjson.decode(bytes).cookie.originalMaxAge
  end
  local function lifetime(bytes, default, by)
    local sealed = bytes:match('^holdfast:1:(%d+):')
    if sealed then return within(tonumber(sealed)) end
    if by == 'maxAge' then
      local before, age = bytes:match('^(.*"_expire":)%d+,"_maxAge":(%d+)}$')
      if not before then return default end
      local ttl = within(tonumber(age))
      return ttl + 10000, before .. string.format('%.0f', now + ttl) .. ',"_maxAge":' .. age .. '}'
    end
    local first = bytes:match('^{"cookie":{"originalMaxAge":([%dnul]+)[,}]') -- digits, or null
    if first then
      first = tonumber(first)
    else
      local ok, age = pcall(max_age_in, bytes)
      first = ok and age
    end
    if type(first) == 'number' and first > 0 then return within(first) end
    return default
  end
`
