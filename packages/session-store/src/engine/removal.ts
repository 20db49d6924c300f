import { SessionUnavailableError } from '../errors.ts'
import { isMoveRecord, moveIn, moveRecord } from '../names.ts'
import { write } from '../operations/write.ts'
import type { Context } from './context.ts'
import { isWrongType } from './run.ts'

export interface Removal {
  /** Deletes what is stored under a name, and gives it. What no session can be is left alone. */
  remove(name: string): Promise<Buffer | undefined>
  /**
   * Deletes a session, and takes it from its user's list.
   *
   * @returns Whose it was, where that is known; undefined where there was none
   */
  destroy(sid: string): Promise<{ readonly user: string | undefined } | undefined>
  /** Gives up an id for another one, under which the session is to be stored. */
  move(from: string, to: string): Promise<void>
  /** Says where a session went that was destroyed as `from`. */
  leave(from: string, to: string, user: string | undefined): Promise<void>
}

const NOTHING = Buffer.alloc(0)

/** A read asks for the session, and then lists it. */
const LONGEST_READ_MS = 60_000

export function createRemoval({ settings, codec, names, users, run }: Context): Removal {
  const { adapter, prefix, ttlMs, user: userOf, regenerateGraceMs } = settings

  async function remove(name: string): Promise<Buffer | undefined> {
    try {
      return (await run(write, prefix + name, { bytes: NOTHING, ttlMs: 0, when: 'any', tells: true })).before
    } catch (error) {
      if (!isWrongType(error)) throw error
      return undefined
    }
  }

  /** Whose session was taken away. One that cannot be read is nobody's. */
  async function ownerOf(name: string, bytes: Buffer): Promise<string | undefined> {
    if (userOf === undefined || isMoveRecord(bytes)) return undefined
    try {
      return users.of((await codec.parse(codec.decode(prefix + name, bytes))).session)
    } catch {
      return undefined
    }
  }

  async function unlisted(sid: string, name: string, bytes: Buffer): Promise<string | undefined> {
    const user = await ownerOf(name, bytes)
    if (user !== undefined) await users.unlist(user, [names.of(sid)], LONGEST_READ_MS)
    return user
  }

  /** Within the grace of an id that was given up, it leads to the session: it ends the session as well. */
  async function destroyMoved(sid: string, bytes: Buffer): Promise<{ user: string | undefined } | undefined> {
    try {
      const move = moveIn(sid, bytes)
      return move !== undefined && move.until > adapter.now() ? await destroy(move.sid) : undefined
    } catch (error) {
      if (error instanceof SessionUnavailableError) throw error
      return undefined
    }
  }

  async function destroy(sid: string): Promise<{ user: string | undefined } | undefined> {
    const name = names.of(sid)
    const plainName = names.plainOf(sid)
    // In this order: a plain record that outlives the other one would be the session again.
    const plain = plainName === undefined ? undefined : await remove(plainName)
    const here = await remove(name)
    if (here !== undefined && isMoveRecord(here)) return destroyMoved(sid, here)
    if (here !== undefined) return { user: await unlisted(sid, name, here) }
    if (plain !== undefined) return { user: await unlisted(sid, plainName ?? name, plain) }
    return undefined
  }

  /** The record of a move outlives the grace: whoever comes by the old id then has it from somewhere. */
  function moveTo(from: string, to: string, user: string | undefined) {
    const until = adapter.now() + regenerateGraceMs
    const bytes = moveRecord(from, { sid: to, until, ...(user !== undefined && { user }) })
    return { bytes, ttlMs: Math.max(regenerateGraceMs, ttlMs) }
  }

  async function leave(from: string, to: string, user: string | undefined): Promise<void> {
    await run(write, prefix + names.of(from), { ...moveTo(from, to, user), when: 'absent' })
  }

  return {
    remove,
    destroy,
    leave,

    async move(from, to) {
      const name = names.of(from)
      const moved = { ...moveTo(from, to, undefined), when: 'present', tells: true } as const
      const { written, before } = await run(write, prefix + name, moved)
      if (!written) {
        const destroyed = await destroy(from)
        if (destroyed !== undefined) await leave(from, to, destroyed.user)
        return
      }
      const plainName = names.plainOf(from)
      if (plainName !== undefined) await remove(plainName)
      const user = before === undefined ? undefined : await unlisted(from, name, before)
      if (user !== undefined) await run(write, prefix + name, { ...moveTo(from, to, user), when: 'present' })
    },
  }
}
