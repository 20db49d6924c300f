import { publicId } from '../names.ts'
import type { Context } from './context.ts'
import type { Removal } from './removal.ts'
import type { Sighting } from './users.ts'

/**
 * Lists a session of a user as seen, and ends those that had to go for it.
 *
 * @returns The user's epoch; undefined when the user was logged out of it
 * @throws {SessionLimitError} when one more may not begin
 */
export type Sight = (user: string, sighting: Sighting) => Promise<number | undefined>

export function createSight({ users, tell }: Context, { remove }: Removal): Sight {
  return async function sight(user, sighting) {
    const { epoch, evicted } = await users.see(user, sighting)
    await Promise.all(evicted.map(remove))
    for (const each of evicted) tell({ type: 'evicted', id: publicId(each), user })
    return epoch
  }
}
