import { SessionUnavailableError } from '../errors.ts'
import type { Tell } from '../events.ts'
import { createNames } from '../names.ts'
import { touch } from '../operations/touch.ts'
import type { Settings } from '../options.ts'
import { createCodec, type Dialect } from '../record.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import { type Collection, createCollection } from './collection.ts'
import type { Context } from './context.ts'
import type { Held } from './held.ts'
import { createPresent } from './present.ts'
import { createRead, type Lookup } from './reads.ts'
import { createRemoval, type Removal } from './removal.ts'
import { createRun } from './run.ts'
import { createSight } from './sight.ts'
import { createUsers } from './users.ts'
import { createWrites, type Writes } from './writes.ts'

/** The sessions behind a store, for whichever framework. Calls reject with a `SessionUnavailableError` while the adapter fails. */
export interface Sessions extends Writes, Omit<Removal, 'remove'>, Accounts {
  /** @param slides Whether its end is moved */
  read(sid: string, slides: boolean): Promise<Lookup>
  /** Moves the end of a session, and leaves what it holds. */
  touch(held: Held | string, ttlMs: number): Promise<void>
  /** @throws what is no outage, and with `failure: 'closed'` an outage as well */
  tolerate(sid: string, error: unknown): void
  readonly collection: Collection
}

export function createSessions(settings: Settings, dialect: Dialect, tell: Tell): Sessions {
  const { adapter, prefix, failure, hashIds } = settings
  const run = createRun(adapter)
  const names = createNames(hashIds, (plainName) => adapter.hashTagOf?.(prefix + plainName) ?? '')
  const users = createUsers(settings, run)
  const context: Context = { settings, dialect, codec: createCodec(settings, dialect), names, users, run, tell }
  const removal = createRemoval(context)
  const collection = createCollection(context, removal)
  const present = createPresent(context, collection)
  const sight = createSight(context, removal, present)
  const read = createRead(context, removal, sight)
  const accounts = createAccounts(context, present, removal, idNow)

  /** During the grace of a regenerate an id may lead to a session that has another one: koa-session knows it by that id all the same. */
  async function idNow(sid: string): Promise<string> {
    if (settings.regenerateGraceMs === 0) return sid
    const found = await read(sid, false)
    return found.state === 'found' ? found.held.sid : sid
  }

  return {
    read,
    ...createWrites(context, removal, sight),
    ...removal,
    ...accounts,
    collection,

    async touch(held, ttlMs) {
      const sid = typeof held === 'string' ? held : held.sid
      const isPlain = typeof held !== 'string' && held.stored === undefined
      const name = isPlain ? (names.plainOf(sid) ?? names.of(sid)) : names.of(sid)
      const found = await run(touch, prefix + name, { ttlMs })
      const plainName = typeof held === 'string' && !found ? names.plainOf(sid) : undefined
      if (plainName !== undefined) await run(touch, prefix + plainName, { ttlMs })
    },

    tolerate(sid, error) {
      if (failure === 'closed' || !(error instanceof SessionUnavailableError)) throw error
      tell({ type: 'failure', id: accounts.idOf(sid), error: error.cause })
    },
  }
}
