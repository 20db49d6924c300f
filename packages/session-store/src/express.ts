import type { Request } from 'express'
import { type Session, type SessionData, Store } from 'express-session'
import { cookieDialect } from './cookie.ts'
import { type CookieSessions, createCookieSessions } from './cookie-sessions.ts'
import type { Accounts } from './engine/accounts.ts'
import { createSessions, type Sessions } from './engine/sessions.ts'
import type { UserSession } from './engine/users.ts'
import { announce } from './events.ts'
import { keepCookie } from './keep-cookie.ts'
import { show } from './live.ts'
import { isObject, type SessionRecord } from './merge.ts'
import { checkedOptions, type SessionStoreOptions, type Settings } from './options.ts'
import { type Callback, settled } from './settled.ts'
import { noteTold, tellOnce } from './tell-once.ts'

export type { UserSession } from './engine/users.ts'
export { SessionConflictError, SessionLimitError, SessionTooLargeError, SessionUnavailableError } from './errors.ts'
export type { SessionEvent } from './events.ts'
export type { Serializer, SessionStoreOptions } from './options.ts'

/** What a session holds: of what an app has declared, any field may be missing. */
export type ExpressSessionData = Partial<SessionData> & Pick<SessionData, 'cookie'>

/** A session with its id, as `all` gives it. */
export type StoredSession = SessionData & { readonly id: string }

/**
 * A store for express-session.
 *
 * Reads and writes as connect-redis does, so that the two can work side by side, and loses no update.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function sessionStore(options: SessionStoreOptions<ExpressSessionData>): ExpressSessionStore {
  return new ExpressSessionStore(options)
}

/** Made by `sessionStore`. Every method takes a callback, and gives a promise without one. */
export class ExpressSessionStore extends Store implements Accounts {
  readonly #settings: Settings
  readonly #sessions: Sessions
  readonly #kept: CookieSessions
  /** Set by express-session: gives a request a new session. */
  declare generate?: (req: Request) => void

  constructor(options: SessionStoreOptions<ExpressSessionData>) {
    super()
    this.#settings = checkedOptions(options, 'sess:')
    this.#sessions = createSessions(this.#settings, cookieDialect, (event) => announce(this, event))
    this.#kept = createCookieSessions(this.#settings, this.#sessions)
  }

  override get(sid: string): Promise<SessionData | undefined>
  override get(sid: string, callback: Callback<SessionData | undefined>): void
  override get(sid: string, callback?: Callback<SessionData | undefined>): Promise<SessionData | undefined> | undefined {
    // As sessionOf.
    return settled(this.#kept.get(sid) as Promise<SessionData | undefined>, callback)
  }

  override set(sid: string, session: SessionData): Promise<void>
  override set(sid: string, session: SessionData, callback: Callback<void> | undefined): void
  override set(sid: string, session: SessionData, callback?: Callback<void>): Promise<void> | undefined {
    return settled(this.#kept.set(sid, recordOf(session)), tellOnce(session, callback))
  }

  override touch(sid: string, session: SessionData): Promise<void>
  override touch(sid: string, session: SessionData, callback: Callback<void> | undefined): void
  override touch(sid: string, session: SessionData, callback?: Callback<void>): Promise<void> | undefined {
    return settled(this.#kept.touch(sid, recordOf(session)), tellOnce(session, callback))
  }

  override destroy(sid: string): Promise<void>
  override destroy(sid: string, callback: Callback<void> | undefined): void
  override destroy(sid: string, callback?: Callback<void>): Promise<void> | undefined {
    const destroyed = this.#sessions.destroy(sid)
    return settled(
      destroyed.then(() => undefined),
      callback,
    )
  }

  /** The ids of all sessions: with `hashIds`, their hashes. */
  ids(): Promise<string[]>
  ids(callback: Callback<string[]>): void
  ids(callback?: Callback<string[]>): Promise<string[]> | undefined {
    return settled(this.#sessions.collection.names(), callback)
  }

  /** All sessions that can be read. */
  override all(): Promise<StoredSession[]>
  override all(callback: Callback<StoredSession[]>): void
  override all(callback?: Callback<StoredSession[]>): Promise<StoredSession[]> | undefined {
    const found = this.#sessions.collection.all()
    return settled(
      found.then((all) => all.map(({ name, session }) => ({ ...sessionOf(session), id: name }))),
      callback,
    )
  }

  override length(): Promise<number>
  override length(callback: Callback<number>): void
  override length(callback?: Callback<number>): Promise<number> | undefined {
    const names = this.#sessions.collection.names()
    return settled(
      names.then(({ length }) => length),
      callback,
    )
  }

  override clear(): Promise<void>
  override clear(callback: Callback<void> | undefined): void
  override clear(callback?: Callback<void>): Promise<void> | undefined {
    return settled(this.#sessions.collection.clear(), callback)
  }

  sessionsOf(user: string): Promise<UserSession[]> {
    return this.#sessions.sessionsOf(user)
  }

  /** @param options `except`: a `req.sessionID` */
  destroyAllOf(user: string, options: { readonly except?: string } = {}): Promise<number> {
    return this.#sessions.destroyAllOf(user, options)
  }

  destroyOf(user: string, id: string): Promise<boolean> {
    return this.#sessions.destroyOf(user, id)
  }

  /** @param sid A `req.sessionID` */
  idOf(sid: string): string {
    return this.#sessions.idOf(sid)
  }

  /**
   * Changes the session of a request by what is stored now, and stores it at once: for counters, and whatever else depends on what
   * was there. `req.session` shows the result.
   *
   * @param change Called with the session as it is stored, and again where others have written meanwhile
   * @returns Whether it is kept: false when the session is gone, or cannot be had
   */
  async update(req: Request, change: (session: ExpressSessionData) => unknown): Promise<boolean> {
    const live: unknown = req.session
    if (!isObject(live)) return false
    return this.#kept.update(
      live,
      (session) => change(sessionOf(session)),
      (now) => show(live, now, (key) => key !== 'cookie'),
    )
  }

  override createSession(req: Request, data: SessionData): Session & SessionData {
    const read = recordOf(data)
    if (this.#kept.standsIn(read)) return this.#standIn(req, data)
    const sid = this.#kept.sidOf(read)
    const isMoved = sid !== undefined && sid !== req.sessionID
    if (isMoved) req.sessionID = sid
    const session = super.createSession(req, data)
    this.#kept.adopt(recordOf(session), read)
    // express-session sends a cookie where the session is not what it was when it was read, and `data` is what was read.
    if (isMoved) Reflect.set(data, MOVED, true)
    return session
  }

  /**
   * With a grace, the id that is given up leads to the new one for a while. Where it cannot be given up, a session that stands in stays:
   * a new id would put the client's own out.
   */
  override regenerate(req: Request, callback: (error?: unknown) => unknown): void {
    const { sessionID, session } = req
    const done = (error?: unknown): void => {
      if (error) noteTold(req)
      if (error && this.#kept.standsIn(recordOf(session))) Object.assign(req, { sessionID, session })
      callback(error)
    }
    if (this.#settings.regenerateGraceMs === 0) return super.regenerate(req, done)
    this.generate?.(req)
    void settled(this.#sessions.move(sessionID, req.sessionID), done)
  }

  /** A session without anything in it, with the cookie that the app gives a new one, and the id that the client has. */
  #standIn(req: Request, data: SessionData): Session & SessionData {
    const { sessionID } = req
    this.generate?.(req)
    if (this.generate !== undefined) Reflect.set(data, 'cookie', { ...cookieData(req.session) })
    req.sessionID = sessionID
    const session = super.createSession(req, data)
    this.#kept.adopt(recordOf(session), recordOf(data))
    keepCookie(req, () => this.#kept.standsIn(recordOf(req.session)))
    return session
  }
}

const MOVED = '__holdfast_moved'

function cookieData({ cookie }: ExpressSessionData): object {
  return 'data' in cookie && typeof cookie.data === 'object' && cookie.data !== null ? cookie.data : cookie
}

// What was stored as a session is one when it is read: express-session's types can't say so.
function sessionOf(record: SessionRecord): SessionData {
  return record as unknown as SessionData
}

function recordOf(session: ExpressSessionData): SessionRecord {
  return session
}
