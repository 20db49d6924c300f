import type { Collection } from './collection.ts'
import type { Context } from './context.ts'
import type { UserSession } from './users.ts'

/**
 * The sessions of a user that are there, the oldest first. Others are taken from the list: another store has ended them, or they were
 * seen while they ended, or a log-in has failed half-way.
 */
export type Present = (user: string) => Promise<UserSession[]>

/** A log-in is listed before it is stored. */
const LONGEST_LOG_IN_MS = 5_000

export function createPresent({ settings, users }: Context, { peek }: Collection): Present {
  const { adapter } = settings

  return async function present(user) {
    const listed = await users.list(user)
    const found = await Promise.all(
      listed.map(async (each) => {
        const session = await peek(each.name)
        return session !== undefined && users.of(session) === users.nameOf(user) ? each : undefined
      }),
    )
    const before = adapter.now() - LONGEST_LOG_IN_MS
    // One that is still under its plain name cannot be found by what is listed.
    const lost = listed.filter(({ lastSeen, plain }, at) => found[at] === undefined && !plain && lastSeen <= before)
    await users.unlist(
      user,
      lost.map(({ name }) => name),
      0,
    )
    return found.filter((each) => each !== undefined).map(({ name: _name, plain: _plain, ...shown }) => shown)
  }
}
