import type { Adapter } from '@holdfast/adapter'
import {
  checkedAdapter,
  checkedOneOf,
  checkedString,
  checkedWhole,
  checkFunctions,
  checkKnown,
  shown,
} from '@holdfast/adapter/options'
import type { SessionRecord } from './merge.ts'
import { LONGEST_MS } from './operations/lifetime.ts'

/** How sessions become text, and text sessions. Both may be given by any serializer that keeps plain objects. */
export interface Serializer {
  stringify(session: unknown): string
  parse(text: string): unknown
}

/** Options that stores for Express and for Koa have in common. `Session` is what a session holds. */
export interface SessionStoreOptions<Session> {
  /** Where the sessions are kept. */
  readonly adapter: Adapter
  /** What stands before a session id in its key, after the adapter's own prefix. Defaults to `'sess:'`, for Koa to none. */
  readonly prefix?: string
  /**
   * How long a session lives whose cookie has no end, in milliseconds. As a function it decides for every session, whatever the cookie
   * says. Defaults to a day.
   */
  readonly ttlMs?: number | ((session: Session) => number)
  /** How old a session may get whatever happens, in milliseconds from its first write. Defaults to any age. */
  readonly absoluteMs?: number
  /** A read moves a session's end only when it has lost this much of its time, in milliseconds; Infinity: never. Defaults to 0. */
  readonly touchAfterMs?: number
  /** What becomes of a write where another request has written meanwhile. Defaults to `'merge'`. */
  readonly onConflict?: 'merge' | 'reject' | 'last-write-wins'
  /** Whose session it is, once someone is logged in. Turns on the list of a user's sessions. Defaults to none, and to no list. */
  readonly user?: (session: Session) => string | undefined
  /** What the list of a user's sessions says of one, when it begins: plain data. Defaults to nothing. */
  readonly describe?: (session: Session) => unknown
  /** How many sessions a user may have. Defaults to any number. */
  readonly maxPerUser?: number
  /** What a log-in over `maxPerUser` does. Defaults to `'evict-oldest'`. */
  readonly onMax?: 'evict-oldest' | 'reject'
  /** For how long the id before a regenerate still leads to the session, in milliseconds. Defaults to 0. */
  readonly regenerateGraceMs?: number
  /** A secret of at least 16 characters: keys hold an HMAC of the session id in place of the id. Defaults to none: they hold the id. */
  readonly hashIds?: string
  /** Secrets of at least 16 characters, the newest first: what is stored is encrypted by the first. Defaults to none: it is plain. */
  readonly encryptionKeys?: readonly string[]
  /** Defaults to `JSON`. */
  readonly serializer?: Serializer
  /** How many bytes a session may have as it is stored. Defaults to any number. */
  readonly maxBytes?: number
  /**
   * What a request gets while the adapter fails: an error with status 503, or an empty session of which nothing is kept. Defaults to
   * `'closed'`.
   */
  readonly failure?: 'open' | 'closed'
}

/** Options with their defaults filled in. */
export interface Settings {
  readonly adapter: Adapter
  readonly prefix: string
  readonly ttlMs: number
  /** Whole milliseconds; 0 or less for a session that ends now. */
  readonly ttlOf: ((session: SessionRecord) => number) | undefined
  readonly absoluteMs: number
  readonly touchAfterMs: number
  readonly onConflict: 'merge' | 'reject' | 'last-write-wins'
  readonly user: ((session: SessionRecord) => string | undefined) | undefined
  readonly describe: ((session: SessionRecord) => unknown) | undefined
  readonly maxPerUser: number
  readonly onMax: 'evict-oldest' | 'reject'
  readonly regenerateGraceMs: number
  readonly hashIds: string | undefined
  readonly encryptionKeys: readonly string[]
  readonly serializer: Serializer
  readonly maxBytes: number
  readonly failure: 'open' | 'closed'
}

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function checkedOptions(options: SessionStoreOptions<never>, prefixByDefault: string): Settings {
  checkKnown('sessionStore', options, OPTIONS)
  const { adapter, prefix = prefixByDefault, ttlMs = DAY_MS, absoluteMs = Infinity, touchAfterMs = 0, ...rest } = options
  const { onConflict = 'merge', user, describe, maxPerUser, onMax = 'evict-oldest', regenerateGraceMs = 0, ...more } = rest
  const { hashIds, encryptionKeys = [], serializer = JSON, maxBytes = Infinity, failure = 'closed' } = more
  checkedAdapter(adapter)
  checkedString('prefix', prefix)
  if (ttlMs === Infinity) {
    throw new RangeError('ttlMs must be finite: sessions that never end fill Redis. For sessions that last, give a long one')
  }
  if (typeof ttlMs !== 'function') checkWhole('ttlMs', ttlMs, 1)
  if (absoluteMs !== Infinity) checkWhole('absoluteMs', absoluteMs, 1)
  if (touchAfterMs !== Infinity) checkWhole('touchAfterMs', touchAfterMs, 0)
  checkedOneOf('onConflict', onConflict, ['merge', 'reject', 'last-write-wins'])
  checkFunctions({ user, describe })
  if (maxPerUser !== undefined) checkWhole('maxPerUser', maxPerUser, 1)
  if (maxPerUser !== undefined && user === undefined) throw new TypeError('maxPerUser needs user: it says whose a session is')
  if (describe !== undefined && user === undefined) throw new TypeError('describe needs user: it says whose a session is')
  checkedOneOf('onMax', onMax, ['evict-oldest', 'reject'])
  checkWhole('regenerateGraceMs', regenerateGraceMs, 0)
  if (hashIds !== undefined) checkSecret('hashIds', hashIds)
  if (!Array.isArray(encryptionKeys)) throw new TypeError(`encryptionKeys must be a list, got ${typed(encryptionKeys)}`)
  if (options.encryptionKeys !== undefined && encryptionKeys.length === 0) throw new RangeError('encryptionKeys has no key')
  for (const [at, key] of encryptionKeys.entries()) checkSecret(`encryptionKeys[${at}]`, key)
  if (typeof serializer?.parse !== 'function' || typeof serializer.stringify !== 'function') {
    throw new TypeError('serializer must have the functions parse and stringify, as JSON has')
  }
  if (maxBytes !== Infinity) checkWhole('maxBytes', maxBytes, 1)
  checkedOneOf('failure', failure, ['open', 'closed'])
  const lives = typeof ttlMs === 'function' ? { ttlMs: DAY_MS, ttlOf: whole(ofRecord(ttlMs)) } : { ttlMs, ttlOf: undefined }
  const users = { user: user && ofRecord(user), describe: describe && ofRecord(describe), maxPerUser: maxPerUser ?? 0, onMax }
  const atRest = { hashIds, encryptionKeys, serializer, maxBytes }
  return { adapter, prefix, ...lives, absoluteMs, touchAfterMs, onConflict, ...users, regenerateGraceMs, ...atRest, failure }
}

const OPTIONS: readonly (keyof Settings)[] = [
  ...(['adapter', 'prefix', 'ttlMs', 'absoluteMs', 'touchAfterMs', 'onConflict', 'user', 'describe', 'maxPerUser'] as const),
  ...(['onMax', 'regenerateGraceMs', 'hashIds', 'encryptionKeys', 'serializer', 'maxBytes', 'failure'] as const),
]

/** What was parsed is a session because a session was stored: types can't say so. */
function ofRecord<Result>(ask: (session: never) => Result): (session: SessionRecord) => Result {
  return (session) => ask(session as never)
}

function whole(ttlOf: (session: SessionRecord) => number): (session: SessionRecord) => number {
  return (session) => {
    const ms = ttlOf(session)
    if (typeof ms === 'number' && !Number.isNaN(ms)) return Math.min(Math.ceil(ms), LONGEST_MS)
    throw new RangeError(`ttlMs must give a number of milliseconds, got ${shown(ms)}`)
  }
}

function checkWhole(name: string, value: unknown, least: number): void {
  checkedWhole(name, value, least, LONGEST_MS)
}

/** A secret is never shown. */
function checkSecret(name: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, got ${typed(value)}`)
  if (value.length < 16) throw new RangeError(`${name} must have at least 16 characters, got ${value.length}`)
}

function typed(value: unknown): string {
  return value === null ? 'null' : typeof value
}

const DAY_MS = 86_400_000
