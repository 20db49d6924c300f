import { EventEmitter } from 'node:events'
import type { Accounts } from './engine/accounts.ts'
import { createSessions, type Sessions } from './engine/sessions.ts'
import type { UserSession } from './engine/users.ts'
import { SessionLimitError } from './errors.ts'
import { announce } from './events.ts'
import { expiryDialect, expiryTtl } from './expiry.ts'
import { show } from './live.ts'
import type { SessionRecord } from './merge.ts'
import { checkedOptions, type SessionStoreOptions, type Settings } from './options.ts'
import { keepId, type Sender, sendId } from './send-id.ts'
import { createVisits, type Visit } from './visits.ts'

export type { UserSession } from './engine/users.ts'
export { SessionConflictError, SessionLimitError, SessionTooLargeError, SessionUnavailableError } from './errors.ts'
export type { SessionEvent } from './events.ts'
export type { Serializer, SessionStoreOptions } from './options.ts'

/** What koa-session stores: the session's own fields, `_expire` and `_maxAge`. */
export type KoaSessionData = SessionRecord

/** How long koa-session lets a session live, in milliseconds; `'session'` as long as the browser is open. */
export type MaxAge = number | 'session' | undefined

/** What of Koa's context the store looks at. */
export interface SessionContext extends Sender {
  readonly session?: object | null
}

export interface CallContext {
  readonly ctx?: SessionContext
  readonly rolling?: boolean | undefined
  readonly changed?: boolean | undefined
}

/**
 * A store for koa-session.
 *
 * Reads and writes as koa-redis does, so that the two can work side by side, and loses no update.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function sessionStore(options: SessionStoreOptions<KoaSessionData>): KoaSessionStore {
  return new KoaSessionStore(options)
}

/** express-session gives its stores a `generate`, and would wait forever for this one to call back. */
function refuseExpress(): never {
  throw new TypeError("This store is for koa-session: for express-session import it from '@holdfast/session-store/express'")
}

/** Made by `sessionStore`. */
export class KoaSessionStore extends EventEmitter implements Accounts {
  readonly #settings: Settings
  readonly #sessions: Sessions
  readonly #visits = createVisits()

  constructor(options: SessionStoreOptions<KoaSessionData>) {
    super()
    Object.defineProperty(this, 'generate', { set: refuseExpress })
    this.#settings = checkedOptions(options, '')
    this.#sessions = createSessions(this.#settings, expiryDialect, (event) => announce(this, event))
  }

  async get(key: string, maxAge?: MaxAge, { ctx, rolling = false }: CallContext = {}): Promise<KoaSessionData | undefined> {
    const { ttlOf } = this.#settings
    try {
      const found = await this.#sessions.read(key, rolling || maxAge === 'session')
      if (found.state === 'none') return undefined
      if (found.state === 'moving') return this.#standIn(key, ctx)
      const { held, session } = found
      // Encrypted, it says what was written, whatever reads have moved since.
      const isMoved = held.movedAt !== undefined || (rolling && ttlOf === undefined && held.leftMs >= 0)
      if (isMoved) expiryDialect.refresh(session, held.leftMs)
      if (ctx === undefined) return session
      this.#visits.hold(ctx, key, { held })
      if (held.sid !== key) sendId(ctx, key, held.sid)
      return session
    } catch (error) {
      this.#sessions.tolerate(key, error)
      return this.#standIn(key, ctx)
    }
  }

  /** Where nothing has changed and the read has moved the session's end, nothing is sent. */
  async set(key: string, session: KoaSessionData, maxAge?: MaxAge, { ctx, changed }: CallContext = {}): Promise<void> {
    const visit = ctx && this.#visits.of(ctx)
    if (visit !== undefined) this.#staysRefused(visit, key, session, changed === true)
    const hold = visit?.holds.get(key)
    if (hold !== undefined && 'standsIn' in hold) {
      if (ctx !== undefined) keepId(ctx, key)
      return
    }
    if (ctx !== undefined) sendId(ctx, key, hold?.held.sid ?? key)
    const ttlMs = expiryTtl(session, maxAge, this.#settings)
    if (ttlMs <= 0) return void (await this.#sessions.destroy(key))
    try {
      if (hold !== undefined) {
        await this.#sessions.save(hold.held, session, ttlMs, true)
        return
      }
      const held = await this.#sessions.create(key, session, ttlMs)
      if (ctx === undefined || visit === undefined || held === undefined) return
      this.#visits.hold(ctx, key, { held })
      const { left } = visit
      visit.left = undefined
      if (left !== undefined && this.#settings.regenerateGraceMs > 0) await this.#sessions.leave(left.sid, key, left.user)
    } catch (error) {
      if (visit !== undefined && error instanceof SessionLimitError) {
        visit.refused = { key, user: this.#settings.user?.(session), error }
      }
      this.#sessions.tolerate(key, error)
    }
  }

  async destroy(key: string, { ctx }: CallContext = {}): Promise<void> {
    const visit = ctx && this.#visits.of(ctx)
    const hold = visit?.holds.get(key)
    const sid = hold !== undefined && 'held' in hold ? hold.held.sid : key
    const destroyed = await this.#sessions.destroy(sid)
    if (visit === undefined) return
    if (visit.current === hold) visit.current = undefined
    if (destroyed !== undefined) visit.left = { sid, user: destroyed.user }
  }

  sessionsOf(user: string): Promise<UserSession[]> {
    return this.#sessions.sessionsOf(user)
  }

  /** @param options `except`: a `ctx.session.externalKey` */
  destroyAllOf(user: string, options: { readonly except?: string } = {}): Promise<number> {
    return this.#sessions.destroyAllOf(user, options)
  }

  destroyOf(user: string, id: string): Promise<boolean> {
    return this.#sessions.destroyOf(user, id)
  }

  /** @param of A request's context, or an id: `ctx.session.externalKey` is the one before a regenerate where a request came by that */
  idOf(of: string | SessionContext): string {
    return this.#sessions.idOf(typeof of === 'string' ? of : this.#sidOf(of))
  }

  /**
   * Changes the session of a request by what is stored now, and stores it at once: for counters, and whatever else depends on what
   * was there. `ctx.session` shows the result.
   *
   * @param change Called with the session as it is stored, and again where others have written meanwhile
   * @returns Whether it is kept: false when the session is gone, or cannot be had
   */
  async update(ctx: SessionContext, change: (session: KoaSessionData) => unknown): Promise<boolean> {
    const live = ctx.session
    if (typeof live !== 'object' || live === null) return false
    const hold = this.#visits.known(ctx)?.current
    const shows = (now: SessionRecord): void => show(live, now, isField)
    if (hold !== undefined && 'held' in hold) return this.#sessions.update(hold.held, () => fieldsOf(live), change, shows)
    const fields = fieldsOf(live)
    await change(fields)
    shows(fields)
    return hold === undefined
  }

  /**
   * koa-session saves once more at the end of a request what it could not save before: then there may be room for it, behind an answer
   * that says that there was none. When an app calls `save()` again, `changed` is false.
   *
   * @throws {SessionLimitError} as before
   */
  #staysRefused(visit: Visit, key: string, session: KoaSessionData, isAtEnd: boolean): void {
    const { refused } = visit
    if (isAtEnd && refused?.key === key && refused.user === this.#settings.user?.(session)) throw refused.error
    visit.refused = undefined
  }

  #sidOf(ctx: SessionContext): string {
    const hold = this.#visits.known(ctx)?.current
    if (hold !== undefined && 'held' in hold) return hold.held.sid
    return String(Reflect.get(ctx.session ?? {}, 'externalKey'))
  }

  /** A session without anything in it, under the id that the client has. */
  #standIn(key: string, ctx: SessionContext | undefined): KoaSessionData {
    if (ctx !== undefined) this.#visits.hold(ctx, key, { standsIn: true })
    return {}
  }
}

/** The session's own fields, as koa-session's `toJSON` has them. */
function fieldsOf(live: object): SessionRecord {
  return Object.fromEntries(Object.entries(live).filter(([key, value]) => isField(key) && typeof value !== 'function'))
}

function isField(key: string): boolean {
  return key !== 'isNew' && !key.startsWith('_')
}
