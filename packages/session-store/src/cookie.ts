import type { SessionRecord } from './merge.ts'
import { isObject } from './merge.ts'
import { LONGEST_MS } from './operations/lifetime.ts'
import type { Settings } from './options.ts'
import type { Dialect } from './record.ts'

/** What express-session, and whoever reads what it stores, expects in a session: a cookie, which says how long it lives. */
export const cookieDialect: Dialect = {
  by: 'cookie',
  slideMs(session) {
    const maxAge = maxAgeOf(session)
    return typeof maxAge === 'number' && maxAge > 0 ? Math.max(1, Math.min(Math.floor(maxAge), LONGEST_MS)) : undefined
  },
  refresh(session, leftMs) {
    const { cookie } = session
    if (isObject(cookie)) cookie['expires'] = leftMs === undefined ? null : new Date(Date.now() + leftMs).toISOString()
  },
  arranged: (session, meta) => ({ ...session, ...meta }),
  // One without a cookie is left to express-session, which has an error for it.
  check({ cookie }) {
    if (cookie === undefined || cookie === null) return
    if (!isObject(cookie)) throw new TypeError('Its cookie is no object')
    const { originalMaxAge, maxAge } = cookie
    if (!isSpan(originalMaxAge)) throw new TypeError('The originalMaxAge of its cookie is no time')
    if (!isSpan(maxAge)) throw new TypeError('The maxAge of its cookie is no time')
  },
  // Only where express-session writes it, first of all: elsewhere it may be the app's.
  lasting: (text) => text.replace(/^(\{"cookie":\{(?:"\w+":(?:"[^"\\]*"|-?\d+|true|false|null),)*"expires":)"[^"]*"/, '$1'),
}

/** Whether there is a time so many milliseconds away: a Date has none that is further from 1970 than this. */
function isSpan(ms: unknown): boolean {
  return ms === undefined || ms === null || (typeof ms === 'number' && Math.abs(Date.now() + ms) <= LAST_TIME)
}

const LAST_TIME = 8.64e15

/** When a session's cookie ends, in milliseconds since the epoch. */
export function endOf({ cookie }: SessionRecord): number | undefined {
  const expires = isObject(cookie) ? cookie['expires'] : undefined
  return expires instanceof Date || typeof expires === 'string' ? new Date(expires).getTime() : undefined
}

/** As express-session does where a response ends, and not for a save that comes before: the cookie's end would be that of the read. */
export function prolong(session: SessionRecord): void {
  const { touch } = session
  if (typeof touch === 'function') touch.call(session)
}

/** How long a session lives on when it is written, in milliseconds: by `ttlMs` where that is a function, else by its cookie. */
export function cookieTtl(session: SessionRecord, { ttlMs, ttlOf }: Settings): number {
  if (ttlOf !== undefined) return ttlOf(session)
  const end = endOf(session)
  // By the clock of this process, as express-session set it. One that is no time at all says nothing.
  return end === undefined || Number.isNaN(end) ? ttlMs : Math.min(Math.ceil(end - Date.now()), LONGEST_MS)
}

/**
 * The end in the cookie is that of the last write: reads have moved the session's since. One that is no time says nothing. A session
 * without a cookie is left to express-session, which has an error for it.
 *
 * @param leftMs Milliseconds that it has left; -1 where it has no end
 */
export function trueEnd(session: SessionRecord, leftMs: number): void {
  const { cookie } = session
  if (!isObject(cookie)) return
  const maxAge = cookie['originalMaxAge']
  if (typeof maxAge === 'number') cookieDialect.refresh(session, leftMs >= 0 ? leftMs : maxAge)
  else if (typeof cookie['expires'] === 'string' && Number.isNaN(Date.parse(cookie['expires']))) cookie['expires'] = null
}

export function maxAgeOf({ cookie }: SessionRecord): unknown {
  return isObject(cookie) ? cookie['originalMaxAge'] : undefined
}

/**
 * express-session sets `originalMaxAge` anew with every request, from two readings of the clock: a millisecond between them is lost for
 * good, and the session would seem to have another maximum age.
 */
export function steady({ cookie }: SessionRecord, maxAge: unknown): void {
  if (!isObject(cookie) || typeof maxAge !== 'number') return
  const now = cookie['originalMaxAge']
  if (typeof now === 'number' && now < maxAge && maxAge - now < MOST_DRIFT_MS) cookie['originalMaxAge'] = maxAge
}

const MOST_DRIFT_MS = 100
