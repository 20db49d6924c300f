import { cookieTtl, endOf, maxAgeOf, prolong, steady, trueEnd } from './cookie.ts'
import type { Held } from './engine/held.ts'
import type { Sessions } from './engine/sessions.ts'
import type { SessionRecord } from './merge.ts'
import { createNotes } from './notes.ts'
import type { Settings } from './options.ts'

/** What express-session asks of a store, and what each session was when it was read. */
export interface CookieSessions {
  get(sid: string): Promise<SessionRecord | undefined>
  set(sid: string, session: SessionRecord): Promise<void>
  touch(sid: string, session: SessionRecord): Promise<void>
  /**
   * Changes a session by what is stored, and stores it at once.
   *
   * @param show Gets what the session is now
   * @returns False when it is gone, or cannot be had
   */
  update(
    session: SessionRecord,
    change: (session: SessionRecord) => unknown,
    show: (session: SessionRecord) => void,
  ): Promise<boolean>
  /** Lets a session stand for what was read. */
  adopt(session: SessionRecord, read: SessionRecord): void
  /** The id by which a session that was read is stored now. */
  sidOf(session: SessionRecord): string | undefined
  /** Whether it stands for one that cannot be had now. Nothing of it is kept. */
  standsIn(session: SessionRecord): boolean
}

interface Hold {
  held: Held
  /** The cookie's `originalMaxAge` as it is stored. */
  maxAge: unknown
  /** The cookie's end, in milliseconds since the epoch, as it was read or written last; undefined where it has none. */
  end: number | undefined
  /** When that was, by the adapter's clock. */
  at: number
}

/** A request that takes longer has its session's end moved once more when it ends. */
const SLOW_MS = 1_000

export function createCookieSessions(settings: Settings, sessions: Sessions): CookieSessions {
  const { adapter, ttlOf, touchAfterMs } = settings
  const slowMs = Math.max(touchAfterMs, SLOW_MS)
  /** By the object that express-session, or the app, has got. */
  const holds = createNotes<Hold>()
  const standIns = new WeakSet<SessionRecord>()

  function holdOf(sid: string, session: SessionRecord): Hold | undefined {
    const hold = holds.get(session)
    return hold?.held.sid === sid ? hold : undefined
  }

  function holdOn(held: Held, session: SessionRecord): Hold {
    return { held, maxAge: maxAgeOf(session), end: endOf(session), at: adapter.now() }
  }

  /** What a request gets while its session cannot be had. */
  function emptied(): SessionRecord {
    const session = { cookie: { originalMaxAge: null, expires: null } }
    standIns.add(session)
    return session
  }

  async function save(sid: string, session: SessionRecord, ttlMs: number, skips: boolean): Promise<void> {
    const hold = holdOf(sid, session)
    if (hold === undefined) {
      const held = await sessions.create(sid, session, ttlMs)
      if (held !== undefined) holds.set(session, holdOn(held, session))
      return
    }
    const saved = holdOn(hold.held, session)
    if (await sessions.save(hold.held, session, ttlMs, skips)) Object.assign(hold, saved)
  }

  return {
    async get(sid) {
      try {
        const found = await sessions.read(sid, true)
        if (found.state === 'none') return undefined
        if (found.state === 'moving') return emptied()
        const { held, session } = found
        trueEnd(session, held.leftMs)
        holds.set(session, holdOn(held, session))
        return session
      } catch (error) {
        sessions.tolerate(sid, error)
        return emptied()
      }
    },

    async set(sid, session) {
      if (standIns.has(session)) return
      const hold = holdOf(sid, session)
      if (hold !== undefined && endOf(session) === hold.end) prolong(session)
      steady(session, hold?.maxAge)
      const ttlMs = cookieTtl(session, settings)
      if (ttlMs <= 0) return void (await sessions.destroy(sid))
      try {
        await save(sid, session, ttlMs, true)
      } catch (error) {
        sessions.tolerate(sid, error)
      }
    },

    /** A read has moved the session's end already, unless it could not know by how much, or was long ago. */
    async touch(sid, session) {
      if (standIns.has(session)) return
      const hold = holdOf(sid, session)
      steady(session, hold?.maxAge)
      const isKnown = hold !== undefined && hold.maxAge === maxAgeOf(session)
      if ((isKnown || hold === undefined) && touchAfterMs === Infinity) return
      if (isKnown && ttlOf === undefined && adapter.now() - hold.at < slowMs) return
      const ttlMs = cookieTtl(session, settings)
      try {
        if (hold !== undefined && !isKnown) return await save(sid, session, ttlMs, false)
        if (hold === undefined || ttlOf !== undefined) return await sessions.touch(hold?.held ?? sid, ttlMs)
        await sessions.slide(hold.held, ttlMs)
        hold.at = adapter.now()
      } catch (error) {
        sessions.tolerate(sid, error)
      }
    },

    async update(session, change, show) {
      const hold = holds.get(session)
      if (hold !== undefined) return sessions.update(hold.held, () => session, change, show)
      await change(session)
      return !standIns.has(session)
    },

    adopt(session, read) {
      const hold = holds.get(read)
      if (hold !== undefined) holds.set(session, hold)
      if (standIns.has(read)) standIns.add(session)
    },

    sidOf: (session) => holds.get(session)?.held.sid,
    standsIn: (session) => standIns.has(session),
  }
}
