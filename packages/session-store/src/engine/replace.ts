import { SessionConflictError, SessionTooLargeError } from '../errors.ts'
import type { SessionRecord } from '../merge.ts'
import { isMoveRecord, publicId } from '../names.ts'
import { sha1Of, write } from '../operations/write.ts'
import type { Meta } from '../record.ts'
import type { Context } from './context.ts'
import type { Held } from './held.ts'
import type { Removal } from './removal.ts'
import { createTurns } from './turns.ts'

/** What is to be stored, and for how long, in milliseconds. */
export interface Draft {
  readonly session: SessionRecord
  readonly text: string
  readonly ttlMs: number
}

/** What is to be stored, on what is there, as text; undefined for nothing. */
export type Make = (theirs: string) => Draft | undefined | Promise<Draft | undefined>

export interface Replace {
  /**
   * Stores a session in place of what the request knows to be stored, as often as others were first.
   *
   * @param rejects Whether it is an error that others were first
   * @returns Whether it was stored: one that is gone is not stored again
   */
  replace(held: Held, make: Make, rejects: boolean): Promise<boolean>
  /** @throws {SessionTooLargeError} */
  encoded(name: string, session: SessionRecord, text: string): Buffer | string
  /** How long a session lives that is not to get older than `absoluteMs`. */
  capped(ttlMs: number, meta: Meta): number
  /** Tells that nothing is stored, as there is nothing to store it in. */
  gone(name: string): 'gone'
}

/** `'again'`: others were first, and what they wrote is known now. */
type Outcome = 'done' | 'gone' | 'again'

/** Each time one of those who write is done: with fewer at once than this, all of them come through. */
const MOST_ATTEMPTS = 1_000
const NOTHING = Buffer.alloc(0)

export function createReplace({ settings, dialect, codec, names, run, tell }: Context, { remove }: Removal): Replace {
  const { adapter, prefix, absoluteMs, maxBytes } = settings
  const inTurn = createTurns()

  function encoded(name: string, session: SessionRecord, text: string): Buffer | string {
    const bytes = codec.encode(prefix + name, session, text)
    if (maxBytes === Infinity) return bytes
    const length = Buffer.byteLength(bytes)
    if (length > maxBytes) throw new SessionTooLargeError(length, maxBytes)
    return bytes
  }

  function capped(ttlMs: number, { created }: Meta): number {
    return created === undefined ? ttlMs : Math.min(ttlMs, Math.ceil(created + absoluteMs - adapter.now()))
  }

  function gone(name: string): 'gone' {
    tell({ type: 'dropped', id: publicId(name) })
    return 'gone'
  }

  /** Whether a record is still that text, but for its end: reads move that, on Koa in what is stored. */
  function isStill(text: string, key: string, bytes: Buffer): boolean {
    const now = textIn(key, bytes)
    return now !== undefined && dialect.lasting(now) === dialect.lasting(text)
  }

  function textIn(key: string, bytes: Buffer): string | undefined {
    try {
      return codec.decode(key, bytes)
    } catch {
      return undefined // told where it is to be used
    }
  }

  /** What others wrote, which the next write must find. Where it cannot be read, it is as if they had written nothing. */
  async function learn(held: Held, key: string, bytes: Buffer, rejects: boolean): Promise<void> {
    const isNew = !isStill(held.theirs, key, bytes)
    if (isNew) tell({ type: 'conflict', id: publicId(held.name) })
    if (isNew && rejects) throw new SessionConflictError()
    if (key === prefix + held.name) held.stored = bytes
    if (!isNew) return
    try {
      held.theirs = codec.decode(key, bytes)
      const { meta } = await codec.parse(held.theirs)
      held.meta = together(held.meta, meta)
    } catch (error) {
      tell({ type: 'corrupt', id: publicId(held.name), error })
      held.theirs = held.view
    }
  }

  /** Takes over what is under the other store's name, once it is written under this one's: not again for a read of it in between. */
  async function takeOver(held: Held, plain: Buffer, text: string, rejects: boolean): Promise<Outcome> {
    const plainName = names.plainOf(held.sid) ?? held.name
    const when = { sha1: sha1Of(plain) }
    const { written, before } = await run(write, prefix + plainName, { bytes: NOTHING, ttlMs: 0, when })
    held.plain = written ? undefined : before
    if (written) return 'done'
    if (before === undefined) {
      await remove(held.name)
      return gone(held.name)
    }
    if (isStill(text, prefix + plainName, before)) return takeOver(held, before, text, rejects)
    await learn(held, prefix + plainName, before, rejects)
    return 'again'
  }

  async function attempt(held: Held, key: string, make: Make, rejects: boolean): Promise<Outcome> {
    // What else the request does meanwhile may come to know more: the draft is made from this.
    const { stored, plain, theirs } = held
    const draft = await make(theirs)
    if (draft === undefined) return gone(held.name)
    const bytes = encoded(held.name, draft.session, draft.text)
    const when = stored === undefined ? 'absent' : { sha1: sha1Of(stored) }
    const ttlMs = capped(draft.ttlMs, held.meta)
    const { written, before } = await run(write, key, { bytes, ttlMs, when })
    if (!written) {
      if (before === undefined || isMoveRecord(before)) return gone(held.name)
      held.plain = undefined
      await learn(held, key, before, rejects)
      return 'again'
    }
    held.stored = bytes
    held.theirs = draft.text
    held.leftMs = ttlMs
    held.movedAt = adapter.now()
    return plain === undefined ? 'done' : takeOver(held, plain, theirs, rejects)
  }

  return {
    encoded,
    capped,
    gone,

    async replace(held, make, rejects) {
      const key = prefix + held.name
      const outcome = await attempt(held, key, make, rejects)
      if (outcome !== 'again') return outcome === 'done'
      return inTurn(key, async (left) => {
        const stored = bytesOf(held)
        if (left !== undefined && stored?.equals(left) === false) await learn(held, key, left, rejects)
        for (let count = 1; count < MOST_ATTEMPTS; count += 1) {
          const next = await attempt(held, key, make, rejects)
          if (next !== 'again') return { result: next === 'done', left: next === 'done' ? bytesOf(held) : undefined }
        }
        throw new SessionConflictError(`Others wrote a session ${MOST_ATTEMPTS} times while it was to be written once`)
      })
    },
  }
}

function bytesOf({ stored }: Held): Buffer | undefined {
  return typeof stored === 'string' ? Buffer.from(stored) : stored
}

/** Of the same session: it is as old as anyone knows, and of the last epoch. */
function together(one: Meta, other: Meta): Meta {
  const created = Math.min(one.created ?? Infinity, other.created ?? Infinity)
  const epoch = Math.max(one.epoch ?? -1, other.epoch ?? -1)
  return { ...(created !== Infinity && { created }), ...(epoch >= 0 && { epoch }) }
}
