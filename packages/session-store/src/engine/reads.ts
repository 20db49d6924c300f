import { checkDepth } from '../depth.ts'
import type { SessionRecord } from '../merge.ts'
import { isMoveRecord, type Move, moveIn, publicId } from '../names.ts'
import { type ReadResult, read } from '../operations/read.ts'
import type { Context } from './context.ts'
import type { Held } from './held.ts'
import { createOwnEnd } from './own-end.ts'
import type { Removal } from './removal.ts'
import { asOutage, isWrongType } from './run.ts'
import type { Sight } from './sight.ts'

/** What is under a session id. `moving`: the session is being given another id, under which it is not stored yet. */
export type Lookup =
  | { readonly state: 'found'; readonly held: Held; readonly session: SessionRecord }
  | { readonly state: 'moving' }
  | { readonly state: 'none' }

/** How often an id may have been given up, one for the next, within the grace of all of them. */
const MOST_MOVES = 5
const NONE = { state: 'none' } as const

/** @returns Finds a session by its id; `slides`: whether its end is moved */
export function createRead(context: Context, removal: Removal, sight: Sight): (sid: string, slides: boolean) => Promise<Lookup> {
  const { settings, dialect, codec, names, users, tell } = context
  const { adapter, prefix, ttlMs, ttlOf, touchAfterMs, absoluteMs } = settings
  const never = { defaultMs: ttlMs, afterMs: -1, by: dialect.by }
  const sliding = touchAfterMs === Infinity || ttlOf !== undefined ? never : { ...never, afterMs: touchAfterMs }
  const ownEnd = sliding === never ? undefined : createOwnEnd(context)

  /** What no session can be harms nobody but its own user. */
  async function fetch(name: string, slides: boolean): Promise<ReadResult | undefined> {
    try {
      return await adapter.run(read, prefix + name, slides ? sliding : never)
    } catch (error) {
      if (!isWrongType(error)) throw asOutage(error)
      tell({ type: 'corrupt', id: publicId(name), error })
      return undefined
    }
  }

  /**
   * Asked for together: one command, where the adapter keeps both names in one slot. Elsewhere a session that is under its own name does
   * not need the master of the other one, and what is taken over between the two has its new name now.
   */
  async function fetchBoth(name: string, plainName: string, slides: boolean): Promise<{ here?: ReadResult; plain?: ReadResult }> {
    const [own, other] = [fetch(name, slides), fetch(plainName, slides)]
    other.catch(() => {}) // heard below, if it is asked for
    const here = await own
    if (here !== undefined) return { here }
    const plain = await other
    if (plain !== undefined) return { plain }
    const taken = await fetch(name, slides)
    return taken === undefined ? {} : { here: taken }
  }

  /** What is stored, or where it went. What cannot be read costs its user a new session, and nobody else anything. */
  async function opened(sid: string, key: string, bytes: Buffer) {
    try {
      if (isMoveRecord(bytes)) return { move: moveIn(sid, bytes) }
      const text = codec.decode(key, bytes)
      const parsed = await codec.parse(text)
      dialect.check(parsed.session)
      checkDepth(parsed.session, text)
      return { text, ...parsed }
    } catch (error) {
      tell({ type: 'corrupt', id: publicId(names.of(sid)), error })
      return undefined
    }
  }

  async function follow(from: string, move: Move, slides: boolean, moves: number): Promise<Lookup> {
    if (move.until <= adapter.now()) {
      tell({ type: 'reuse', id: publicId(names.of(from)), user: move.user })
      return NONE
    }
    if (moves === MOST_MOVES) return NONE
    const there = await find(move.sid, slides, moves + 1)
    return there.state === 'none' ? { state: 'moving' } : there
  }

  async function find(sid: string, slides: boolean, moves: number): Promise<Lookup> {
    const name = names.of(sid)
    const plainName = names.plainOf(sid)
    const { here, plain } =
      plainName === undefined ? { here: await fetch(name, slides) } : await fetchBoth(name, plainName, slides)
    const found = here ?? plain
    if (found === undefined) return NONE
    const key = prefix + (here === undefined && plainName !== undefined ? plainName : name)
    const record = await opened(sid, key, found.bytes)
    if (record === undefined) return NONE
    if ('move' in record) return record.move === undefined ? NONE : follow(sid, record.move, slides, moves)
    const { text, session, meta } = record
    // A name that was read in Redis is not an id.
    if (here === undefined && meta.hashed === true) return NONE
    const isSaid = !slides || ownEnd === undefined || codec.tellsLifetime(found.bytes)
    const { leftMs, slid } = isSaid ? found : await ownEnd(key, found, session)
    const movedAt = slid ? adapter.now() : undefined
    const bytes = { stored: here?.bytes, plain: plain?.bytes }
    return admitted(
      { sid, name, view: text, theirs: text, ...bytes, meta, user: undefined, leftMs, listedUntil: 0, movedAt },
      session,
    )
  }

  /** A session that is too old, or that its user was logged out of, is none. */
  function admitted(held: Held, session: SessionRecord): Lookup | Promise<Lookup> {
    const { sid, meta } = held
    const now = adapter.now()
    if (meta.created !== undefined) {
      const oldMs = Math.ceil(meta.created + absoluteMs - now)
      if (oldMs <= 0) return gone(sid)
      held.leftMs = held.leftMs < 0 ? held.leftMs : Math.min(held.leftMs, oldMs)
    }
    held.user = users.of(session)
    return held.user === undefined ? { state: 'found', held, session } : listed(held, held.user, session, now)
  }

  async function listed(held: Held, user: string, session: SessionRecord, now: number): Promise<Lookup> {
    const { created = now, epoch = 0 } = held.meta
    const lastsMs = listedMs(held.leftMs, session)
    held.listedUntil = now + lastsMs
    const current = await sight(user, { name: held.name, epoch, created, ttlMs: lastsMs, plain: held.plain !== undefined })
    if (current === undefined) return gone(held.sid)
    held.meta = { created, epoch: current }
    return { state: 'found', held, session }
  }

  /** Until when a session can be there without another read that lists it: this request may move its end, too. */
  function listedMs(leftMs: number, session: SessionRecord): number {
    if (ttlOf !== undefined) return Math.max(leftMs, ttlOf(session), 1)
    if (leftMs < 0) return ttlMs
    return touchAfterMs === Infinity ? leftMs : leftMs + touchAfterMs
  }

  async function gone(sid: string): Promise<Lookup> {
    await removal.destroy(sid)
    return NONE
  }

  return (sid, slides) => find(sid, slides, 0)
}
