import type { IncomingHttpHeaders } from 'node:http'
import type { Engine } from './engine.ts'
import { reuseOf } from './rfc/reuse.ts'
import type { Refusal } from './rfc/storable.ts'
import { createShelf, type Found } from './shelf.ts'
import { createVariants } from './variants.ts'

export interface ExplainRequest {
  /** Absolute, as clients ask for it. */
  readonly url: string
  /** The request's fields, by their names in lower case: those that responses depend on. Defaults to none. */
  readonly headers?: IncomingHttpHeaders
}

/** What a request would find, and why. */
export interface Explanation {
  /** The key of the URL. */
  readonly key: string
  /**
   * `'fresh'`: it is served; `'stale'`: it is served, and made anew; `'validate'`: the handlers are asked whether it is still true;
   * `'none'`: nothing is stored; `'pass'`: the last response was one client's own, and for some seconds nobody waits for another.
   */
  readonly state: 'fresh' | 'stale' | 'validate' | 'none' | 'pass'
  readonly status?: number
  /** How old it is, and for how long it is fresh yet, in milliseconds; the latter is negative when it is not. */
  readonly ageMs?: number
  readonly ttlMs?: number
  /** The request fields that responses to this URL depend on. */
  readonly vary: readonly string[]
  readonly tags: readonly string[]
  /** Why the last response to this URL that this process has seen was not stored. */
  readonly refusal?: Refusal
}

export async function explain(engine: Engine, key: string, { headers = {} }: ExplainRequest): Promise<Explanation> {
  const { adapter, newBudget, refusals } = engine
  const look = (anyOrder: boolean): Promise<Found> => {
    const variants = createVariants({ now: adapter.now, maxVariants: 1, anyOrder })
    return createShelf({ ...engine, near: undefined }, variants).look(key, headers, newBudget())
  }
  // In which mode a variant was stored is the middleware's, which is not known here.
  const exact = await look(false)
  const { stored, index, looked } = exact.index !== undefined && exact.stored === undefined ? await look(true) : exact
  const refused = refusals.get(key)
  const common = {
    key,
    vary: index?.names ?? [],
    tags: looked.entry?.tags ?? [],
    ...(refused !== undefined && { refusal: refused }),
  }
  if (stored === undefined) return { ...common, state: 'none' }
  if (stored.kind === 'pass') return { ...common, state: 'pass' }
  const { state, ageMs, ttlMs } = reuseOf(stored, adapter.now())
  return { ...common, state, status: stored.status, ageMs, ttlMs }
}
