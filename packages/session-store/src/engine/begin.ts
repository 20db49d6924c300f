import type { SessionRecord } from '../merge.ts'
import type { Meta } from '../record.ts'
import type { Context } from './context.ts'
import type { Held } from './held.ts'
import type { Sight } from './sight.ts'

/** Whose session it is that is to be written, and what is kept with it. */
export interface Begun {
  readonly user: string | undefined
  readonly meta: Meta
}

/**
 * Asks before a session is written, and lists it where its user logs in by it, or it is to last for longer than the list knows.
 *
 * @param held What the request knows of it, if it has read it
 * @returns Undefined where its user may not have it
 */
export type Begin = (
  name: string,
  session: SessionRecord,
  ttlMs: number,
  held: Held | undefined,
) => Begun | Promise<Begun | undefined>

/** For how long a request may take before its session's end on the list is behind. */
const LISTED_SLACK_MS = 5_000

export function createBegin({ settings, users }: Context, sight: Sight): Begin {
  const { adapter, absoluteMs, user: userOf } = settings
  const keepsCreated = absoluteMs !== Infinity || userOf !== undefined

  return function begin(name, session, ttlMs, held) {
    const now = adapter.now()
    const created = held?.meta.created ?? (keepsCreated ? now : undefined)
    const user = users.of(session)
    const age = created === undefined ? {} : { created }
    if (user === undefined) return { user, meta: age }
    const before = held?.user === user ? held : undefined
    if (before !== undefined && now + ttlMs <= before.listedUntil + LISTED_SLACK_MS)
      return { user, meta: { ...before.meta, ...age } }
    const sighting = { name, created: created ?? now, ttlMs: Math.max(1, ttlMs) }
    const how =
      before === undefined
        ? { epoch: 0, joining: session, begins: held === undefined }
        : { epoch: before.meta.epoch ?? 0, plain: before.plain !== undefined }
    return sight(user, { ...sighting, ...how }).then((epoch) => {
      if (held !== undefined) held.listedUntil = now + ttlMs
      return epoch === undefined ? undefined : { user, meta: { ...age, epoch } }
    })
  }
}
