import type { SessionRecord } from './merge.ts'
import { KOA_SLACK_MS, LONGEST_MS } from './operations/lifetime.ts'
import type { Settings } from './options.ts'
import type { Dialect } from './record.ts'

/** What koa-session, and whoever reads what it stores, expects in a session: `_expire` and `_maxAge`, which a read finds at its end. */
export const expiryDialect: Dialect = {
  by: 'maxAge',
  slideMs: ({ _maxAge: maxAge }) =>
    typeof maxAge === 'number' && maxAge > 0 ? Math.min(Math.floor(maxAge), LONGEST_MS) + KOA_SLACK_MS : undefined,
  // koa-session looks at it by the clock of this process, by which it sets it.
  refresh(session, leftMs) {
    if (leftMs === undefined) delete session['_expire']
    else if (typeof session['_expire'] === 'number') session['_expire'] = Date.now() + leftMs - KOA_SLACK_MS
  },
  arranged({ _expire: expire, _maxAge: maxAge, ...fields }, meta) {
    const ends = { ...(expire !== undefined && { _expire: expire }), ...(maxAge !== undefined && { _maxAge: maxAge }) }
    return { ...fields, ...meta, ...ends }
  },
  check(session) {
    if (session['_maxAge'] === Infinity) throw new TypeError('Its _maxAge is no time')
    const name = ['__proto__', 'toJSON'].find((key) => Object.hasOwn(session, key))
    if (name !== undefined) throw new TypeError(`It has a field ${name}`)
  },
  lasting: (text) => text.replace(/"_expire":\d+,("_maxAge":\d+\})$/, '$1'),
}

/** How long a session lives on when it is written, in milliseconds: by `ttlMs` where that is a function, else as koa-session says. */
export function expiryTtl(session: SessionRecord, maxAge: unknown, { ttlMs, ttlOf }: Settings): number {
  if (ttlOf !== undefined) return ttlOf(session)
  if (typeof maxAge !== 'number') return ttlMs
  if (Number.isNaN(maxAge)) throw new RangeError('maxAge must be a number of milliseconds, got NaN')
  return Math.min(Math.ceil(maxAge), LONGEST_MS)
}
