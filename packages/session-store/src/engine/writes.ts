import { merge, type SessionRecord } from '../merge.ts'
import { write } from '../operations/write.ts'
import { createBegin } from './begin.ts'
import type { Context } from './context.ts'
import { type Held, hasJustMoved } from './held.ts'
import type { Removal } from './removal.ts'
import { createReplace, type Draft } from './replace.ts'
import type { Sight } from './sight.ts'
import { createSlide, type Slide } from './slide.ts'

export interface Writes {
  readonly slide: Slide
  /** Stores a session that this request has not read: whatever is there is written over. Undefined when its user may not have it. */
  create(sid: string, session: SessionRecord, ttlMs: number): Promise<Held | undefined>
  /**
   * Stores what this request made of a session, with what others made of it meanwhile.
   *
   * @param skips Whether nothing is written where the request has changed nothing: its end is moved, if it was not just now
   * @returns Whether it was stored: one that is gone is not stored again
   */
  save(held: Held, session: SessionRecord, ttlMs: number, skips: boolean): Promise<boolean>
  /**
   * Stores what `change` makes of what is stored: it is called again where others have written meanwhile.
   *
   * @param live The session as the request has it
   * @param show Gets that with what is stored now
   * @returns False when the session is gone
   */
  update(
    held: Held,
    live: () => SessionRecord,
    change: (session: SessionRecord) => unknown,
    show: (session: SessionRecord) => void,
  ): Promise<boolean>
}

export function createWrites(context: Context, removal: Removal, sight: Sight): Writes {
  const { settings, dialect, codec, names, users, run } = context
  const { adapter, prefix, onConflict, ttlMs: defaultMs, ttlOf } = settings
  const { replace, encoded, capped, gone } = createReplace(context, removal)
  const begin = createBegin(context, sight)
  const slide = createSlide(context)

  async function sessionIn(text: string): Promise<SessionRecord> {
    return (await codec.parse(text)).session
  }

  /** What this request made of `base`, and others made of it. */
  async function merged(held: Held, base: string, mine: Draft, theirs: string): Promise<Draft> {
    const own = await sessionIn(mine.text)
    const session = dialect.arranged(merge(await sessionIn(base), own, await sessionIn(theirs)), {})
    const slideMs = dialect.slideMs(session)
    const isOwn = slideMs === dialect.slideMs(own)
    // Where others changed how long it lives, that holds.
    if (!isOwn) dialect.refresh(session, slideMs)
    const lives = isOwn ? mine.ttlMs : (slideMs ?? defaultMs)
    return { session, text: codec.textOf(session, held.meta), ttlMs: ttlOf === undefined ? lives : ttlOf(session) }
  }

  /** The list of who was logged in before does not have the session any more. */
  async function handedOver(held: Held, user: string | undefined): Promise<void> {
    const before = held.user
    held.user = user
    if (before !== undefined) await users.unlist(before, [held.name], 0)
  }

  /** The request may write, and change the session, while serializers are waited for: it is shown what is so in the end. */
  async function shown(held: Held, live: () => SessionRecord, show: (session: SessionRecord) => void): Promise<void> {
    for (;;) {
      const { view, theirs } = held
      const text = codec.textOf(live(), {})
      const now = merge(await sessionIn(view), await sessionIn(text), await sessionIn(theirs))
      if (held.view !== view || held.theirs !== theirs || codec.textOf(live(), {}) !== text) continue
      held.view = theirs
      return show(now)
    }
  }

  return {
    slide,

    async create(sid, session, ttlMs) {
      const name = names.of(sid)
      const begun = await begin(name, session, ttlMs, undefined)
      if (begun === undefined) return void gone(name)
      const { meta, user } = begun
      const text = codec.textOf(session, meta)
      const bytes = encoded(name, session, text)
      const leftMs = capped(ttlMs, meta)
      await run(write, prefix + name, { bytes, ttlMs: leftMs, when: 'any' })
      const known = { view: text, theirs: text, stored: bytes, plain: undefined }
      const now = adapter.now()
      return { sid, name, ...known, meta, user, leftMs, listedUntil: now + ttlMs, movedAt: now }
    },

    async save(held, session, ttlMs, skips) {
      const begun = await begin(held.name, session, ttlMs, held)
      if (begun === undefined) return gone(held.name) !== 'gone'
      const mine: Draft = { session, text: codec.textOf(session, begun.meta), ttlMs }
      const isSame = held.user === begun.user && dialect.lasting(mine.text) === dialect.lasting(held.view)
      if (skips && isSame && held.movedAt !== undefined) return hasJustMoved(held, adapter.now()) || slide(held, ttlMs)
      held.meta = begun.meta
      const { view } = held
      function make(theirs: string): Draft | Promise<Draft> {
        return view === theirs || onConflict === 'last-write-wins' ? mine : merged(held, view, mine, theirs)
      }
      if (!(await replace(held, make, onConflict === 'reject'))) return false
      // An update in the same request may have shown it more meanwhile.
      if (held.view === view) held.view = mine.text
      if (held.user !== begun.user) await handedOver(held, begun.user)
      return true
    },

    async update(held, live, change, show) {
      let user = held.user
      async function make(theirs: string): Promise<Draft | undefined> {
        const session = await sessionIn(theirs)
        await change(session)
        const slideMs = dialect.slideMs(session)
        dialect.refresh(session, slideMs)
        const ttlMs = ttlOf === undefined ? (slideMs ?? defaultMs) : ttlOf(session)
        const begun = await begin(held.name, session, ttlMs, held)
        if (begun === undefined) return undefined
        user = begun.user
        held.meta = begun.meta
        return { session, text: codec.textOf(dialect.arranged(session, {}), held.meta), ttlMs }
      }
      if (!(await replace(held, make, false))) return false
      if (held.user !== user) await handedOver(held, user)
      await shown(held, live, show)
      return true
    },
  }
}
