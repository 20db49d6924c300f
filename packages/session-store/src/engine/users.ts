import { subjectKey } from '@holdfast/adapter'
import { createCipher } from '../cipher.ts'
import type { SessionRecord } from '../merge.ts'
import { publicId } from '../names.ts'
import { list } from '../operations/users/list.ts'
import { logOut } from '../operations/users/log-out.ts'
import { type SeeResult, see } from '../operations/users/see.ts'
import { unlist } from '../operations/users/unlist.ts'
import type { Settings } from '../options.ts'
import type { Run } from './run.ts'

/** One of a user's sessions, as a page about them shows it. */
export interface UserSession {
  /** Names the session, and is not the id in its cookie. */
  readonly id: string
  /** When it was begun, and when it was last seen: milliseconds since the epoch. */
  readonly created: number
  readonly lastSeen: number
  /** What `describe` said. */
  readonly description: unknown
}

/** What is known of a session when it is seen. */
export interface Sighting {
  readonly name: string
  readonly epoch: number
  readonly created: number
  readonly ttlMs: number
  /** The session, when a user logs in by it. */
  readonly joining?: SessionRecord
  /** Whether it is stored for the first time. */
  readonly begins?: boolean
  /** Whether its record is still under the name that another store gave it. */
  readonly plain?: boolean
}

export interface Users {
  /** Whose session it is, if someone is logged in. */
  of(session: SessionRecord): string | undefined
  /** A user as text: without types it may be a number, in a session and where it is asked for. */
  nameOf(user: unknown): string | undefined
  /** Lists a session as seen. */
  see(user: string, sighting: Sighting): Promise<SeeResult>
  list(user: string): Promise<readonly (UserSession & { readonly name: string; readonly plain: boolean })[]>
  /** @param deadMs For how long a read that comes late must not list them again, in milliseconds */
  unlist(user: string, names: readonly string[], deadMs: number): Promise<void>
  /** @returns The names of those that were listed */
  logOut(user: string, except: string | undefined): Promise<readonly string[]>
}

/** The list of each user's sessions, in a slot of its own. */
export function createUsers(settings: Settings, run: Run): Users {
  const { prefix, user: userOf, describe, maxPerUser, onMax, encryptionKeys, ttlMs } = settings
  const cipher = encryptionKeys.length > 0 ? createCipher(encryptionKeys) : undefined

  function keyOf(user: string): string {
    return subjectKey('session-store', prefix, user)
  }

  function nameOf(user: unknown): string | undefined {
    if (typeof user === 'number') return String(user)
    if (user === undefined || user === null || user === '') return undefined
    if (typeof user !== 'string') throw new TypeError(`user must give a string, got ${typeof user}`)
    return user
  }

  function noteOf(user: string, session: SessionRecord | undefined): string | undefined {
    if (session === undefined || describe === undefined) return undefined
    const note = JSON.stringify(describe(session)) ?? ''
    return cipher === undefined ? note : cipher.seal(note, keyOf(user)).toString('base64')
  }

  /** A note that cannot be read takes nothing from the session. */
  function described(user: string, note: string): unknown {
    try {
      return JSON.parse(cipher === undefined ? note : cipher.open(Buffer.from(note, 'base64'), keyOf(user)))
    } catch {
      return undefined
    }
  }

  return {
    nameOf,
    of: (session) => nameOf(userOf?.(session)),

    async see(user, { name, epoch, created, ttlMs, joining, begins = false, plain = false }) {
      const limits = { max: maxPerUser, onMax }
      const args = {
        name,
        epoch,
        created,
        ttlMs,
        note: noteOf(user, joining),
        joins: joining !== undefined,
        begins,
        plain,
        ...limits,
      }
      return run(see, keyOf(user), args)
    },

    async list(user) {
      const listed = await run(list, keyOf(user), undefined)
      return listed.map(([name, { created, seen, plain, note }]) => {
        return { name, plain, id: publicId(name), created, lastSeen: seen, description: described(user, note) }
      })
    },

    async unlist(user, names, deadMs) {
      if (names.length > 0) await run(unlist, keyOf(user), { names, deadMs })
    },

    logOut: (user, except = '') => run(logOut, keyOf(user), { except, ttlMs, keepMs: LONGEST_COOKIE_MS }),
  }
}

/** 400 days: no browser keeps a cookie for longer (RFC 6265bis, 5.5), so that by then no session is left that the list has missed. */
export const LONGEST_COOKIE_MS: number = 400 * 86_400_000
