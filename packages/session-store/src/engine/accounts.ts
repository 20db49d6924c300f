import { checkKnown, shown } from '@holdfast/adapter/options'
import { publicId } from '../names.ts'
import type { Context } from './context.ts'
import type { Present } from './present.ts'
import type { Removal } from './removal.ts'
import { LONGEST_COOKIE_MS, type UserSession } from './users.ts'

/** What an app can do with all sessions of a user. Needs the option `user`. */
export interface Accounts {
  /** The sessions in which a user is logged in, the oldest first. */
  sessionsOf(user: string): Promise<UserSession[]>
  /**
   * Logs a user out everywhere, also of sessions that no list knows of.
   *
   * @param except The id of a session that stays
   * @returns How many sessions were listed, and are over
   */
  destroyAllOf(user: string, options?: { readonly except?: string }): Promise<number>
  /**
   * Logs a user out of one session.
   *
   * @param id As `sessionsOf` gives it
   * @returns Whether the user has such a session
   */
  destroyOf(user: string, id: string): Promise<boolean>
  /** What `sessionsOf` calls the session with this id. */
  idOf(sid: string): string
}

/** @param idNow The id that a session has that an id leads to */
export function createAccounts(
  { settings, names, users }: Context,
  present: Present,
  { remove }: Removal,
  idNow: (sid: string) => Promise<string>,
): Accounts {
  /** Without types a user may be anything: of nobody's sessions none would be over, and nobody would know. */
  function needUser(method: string, user: unknown): void {
    if (settings.user === undefined) throw new TypeError(`${method} needs the option user: it says whose a session is`)
    if (typeof user === 'string' || typeof user === 'number') return
    throw new TypeError(`${method} takes a user as a string, got ${shown(user)}`)
  }

  return {
    async sessionsOf(user) {
      needUser('sessionsOf', user)
      return present(user)
    },

    async destroyAllOf(user, options = {}) {
      needUser('destroyAllOf', user)
      checkKnown('destroyAllOf', options, ['except'])
      const { except } = options
      const kept = except === undefined ? undefined : names.of(await idNow(except))
      const ended = await users.logOut(user, kept)
      await Promise.all(ended.map(remove))
      return ended.length
    },

    async destroyOf(user, id) {
      needUser('destroyOf', user)
      const listed = (await users.list(user)).find((each) => each.id === id)
      if (listed === undefined) return false
      await users.unlist(user, [listed.name], LONGEST_COOKIE_MS)
      await remove(listed.name)
      return true
    },

    idOf: (sid) => publicId(names.of(sid)),
  }
}
