import { SessionLimitError } from '../errors.ts'
import { publicId } from '../names.ts'
import type { Context } from './context.ts'
import type { Present } from './present.ts'
import type { Removal } from './removal.ts'
import type { Sighting } from './users.ts'

/**
 * Lists a session of a user as seen, and ends those that had to go for it.
 *
 * @returns The user's epoch; undefined when the user was logged out of it
 * @throws {SessionLimitError} when one more may not begin
 */
export type Sight = (user: string, sighting: Sighting) => Promise<number | undefined>

export function createSight({ settings, users, tell }: Context, { remove }: Removal, present: Present): Sight {
  return async function sight(user, sighting) {
    let seen = await users.see(user, sighting)
    if (seen.verdict === 'full') {
      await present(user) // which takes from the list what is not there
      seen = await users.see(user, sighting)
    }
    const { verdict, epoch, evicted } = seen
    if (verdict === 'full') throw new SessionLimitError(settings.maxPerUser)
    await Promise.all(evicted.map(remove))
    for (const each of evicted) tell({ type: 'evicted', id: publicId(each), user })
    return verdict === 'alive' ? epoch : undefined
  }
}
