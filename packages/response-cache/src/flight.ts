import type { IncomingHttpHeaders } from 'node:http'
import { isAdapterError } from '@holdfast/adapter'
import type { Budget, Loaded, Moment, Obtained, Task } from '@holdfast/cache/engine'
import type { Engine } from './engine.ts'
import { announceFailure } from './events.ts'
import type { Product, Production } from './order.ts'
import type { Refusal } from './rfc/storable.ts'
import { variantOf } from './rfc/vary.ts'
import type { Found, Shelf } from './shelf.ts'
import { decoded, type StoredResponse } from './stored.ts'

/** What a request gets of a load. */
export type Landed =
  /** It was made for this request, which is answered. */
  | { readonly by: 'own'; readonly done: Promise<void> }
  /** It was made for another one. */
  | { readonly by: 'other'; readonly stored: StoredResponse }
  /** Something has come to be stored meanwhile: look again. */
  | { readonly by: 'look' }
  /** It is not for this request: it is made for it alone. */
  | { readonly by: 'nobody' }

export interface Trip {
  readonly found: Found
  readonly headers: IncomingHttpHeaders
  /** Whether to wait while the response is made for another request. */
  readonly waits: boolean
  produce(): Production
}

/** Why a response is never for others: requests for it do not wait for each other any more. */
const NEVER_SHARED: ReadonlySet<Refusal> = new Set<Refusal>([
  'no-store',
  'private',
  'authorization',
  'vary-star',
  'set-cookie',
  'no-cache-called',
  'no-freshness',
  'cookie-read',
  'authorization-read',
  'session-read',
  'user-read',
  'too-large',
  'stream',
])

export type Flight = (trip: Trip) => Promise<Landed>

/** What a load gives, for those who wait for it in this process. */
interface Shared {
  readonly product: Product
  /** The fields of the request that it was made for. */
  readonly headers: IncomingHttpHeaders
  /** Resolves when it is stored, or not. */
  readonly kept: Promise<void>
}

/** Has a response made once, over all processes, for all requests that ask for it meanwhile. */
export function createFlight({ loads, name, loadLeaseMs, newBudget, refusals }: Engine, shelf: Shelf): Flight {
  return async function flight({ found, headers: asked, waits, produce }) {
    const { key, base, index, looked, budget: first } = found
    const headers = { ...asked } // as they were sent: handlers may change them
    let own: Production | undefined
    let settle: () => void = () => {}
    const kept = new Promise<void>((resolve) => {
      settle = resolve
    })

    function failed(error: unknown): void {
      announceFailure({ name, key: base, call: 'adapter', error })
    }

    async function load({ epoch, clock }: Moment): Promise<Loaded> {
      own = produce()
      const product = await own.product
      return { value: { product, headers, kept } satisfies Shared, tags: product.tags, epoch, clock }
    }

    async function keep({ value, epoch, clock, tags }: Loaded, token: string, budget: Budget): Promise<'kept' | 'unshared'> {
      const { stored, names, refusal } = (value as Shared).product // what `load` gave
      const there = { ...found, budget }
      const keeping = { epoch, clock, tags, token }
      if (refusal === undefined) refusals.delete(base)
      else refusals.set(base, refusal)
      try {
        if (stored !== undefined) return (await shelf.keep(there, stored, { names, headers }, keeping)) ? 'kept' : 'unshared'
        if (refusal === undefined || !NEVER_SHARED.has(refusal)) return 'unshared'
        await shelf.mark(there, keeping)
        return 'kept'
      } finally {
        settle()
      }
    }

    async function landedBy(obtained: Obtained): Promise<Landed> {
      if (obtained.from === 'entry') {
        const stored = decoded(obtained.entry.body)
        return stored?.kind === 'response' ? { by: 'other', stored } : { by: 'look' }
      }
      if (obtained.from !== 'loader' || obtained.value === undefined) return { by: 'nobody' }
      const shared = obtained.value as Shared // what `load` gave
      const { stored, names } = shared.product
      if (stored === undefined) return { by: 'nobody' }
      const depends = names.some((name) => index?.names.includes(name) !== true) // else they have the same key
      if (!depends || variantOf(headers, names, EXACT) === variantOf(shared.headers, names, EXACT)) return { by: 'other', stored }
      await shared.kept
      return { by: 'look' }
    }

    return new Promise((resolve, reject) => {
      const task: Task = {
        key,
        leaseMs: loadLeaseMs,
        waits,
        lateMs: loadLeaseMs, // a handler may never end
        load,
        late: () => new Error('The response takes longer than loadLeaseMs'),
        keep,
        newBudget,
        failed,
        suits: ({ id }) => id !== looked.seen,
        // Whoever makes a response waits for its client, not for its being stored.
        decided: () => own !== undefined && resolve({ by: 'own', done: own.done }),
      }
      loads.obtain(task, looked, first).then(
        (obtained) => landedBy(obtained).then(resolve, reject),
        (error: unknown) => {
          if (own !== undefined || isAdapterError(error)) failed(error)
          if (own === undefined && !isAdapterError(error)) reject(error)
          else resolve({ by: 'nobody' })
        },
      )
    })
  }
}

const EXACT = { anyOrder: false }
