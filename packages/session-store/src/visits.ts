import type { Held } from './engine/held.ts'
import type { SessionLimitError } from './errors.ts'
import { createNotes } from './notes.ts'

/** What a request knows of a session id. */
type Hold = { readonly held: Held } | { readonly standsIn: true }

/** What a request has done so far. */
export interface Visit {
  readonly holds: Map<string, Hold>
  /** Of the id that it has now: koa-session's session keeps the first one. */
  current: Hold | undefined
  /** The last id that it gave up, and whose session that was. */
  left: { readonly sid: string; readonly user: string | undefined } | undefined
  /** Whose log-in was refused, and under which id. */
  refused: { readonly key: string; readonly user: unknown; readonly error: SessionLimitError } | undefined
}

/** What requests on Koa have done with sessions, by their contexts. */
export interface Visits {
  /** Undefined for a request that has asked for nothing yet. */
  known(ctx: object): Visit | undefined
  of(ctx: object): Visit
  /** Notes what a request knows of an id, which is its own from now on. */
  hold(ctx: object, key: string, hold: Hold): void
}

export function createVisits(): Visits {
  const notes = createNotes<Visit>()

  function of(ctx: object): Visit {
    const known = notes.get(ctx)
    if (known !== undefined) return known
    const visit: Visit = { holds: new Map(), current: undefined, left: undefined, refused: undefined }
    notes.set(ctx, visit)
    return visit
  }

  return {
    known: (ctx) => notes.get(ctx),
    of,
    hold(ctx, key, hold) {
      const visit = of(ctx)
      visit.holds.set(key, hold)
      visit.current = hold
    },
  }
}
