import type { OutgoingHttpHeaders } from 'node:http'
import { detached } from '@holdfast/cache/engine'
import type { Asked } from './asked.ts'
import type { Engine } from './engine.ts'
import { announceFailure } from './events.ts'
import type { Flight } from './flight.ts'
import type { Orders } from './orders.ts'
import type { Found } from './shelf.ts'
import type { StoredResponse } from './stored.ts'

/** Has a response that was served stale made anew: once, over all processes. */
export type Refresh<Native> = (asked: Asked<Native>, found: Found, stale: StoredResponse, inFront: OutgoingHttpHeaders) => void

export function createRefresh<Native>(
  { name, loadLeaseMs }: Pick<Engine, 'name' | 'loadLeaseMs'>,
  flight: Flight,
  make: Orders<Native>['run'],
): Refresh<Native> {
  const refreshing = new Set<string>()

  return (asked, found, stale, inFront) => {
    if (refreshing.has(found.key)) return
    refreshing.add(found.key)
    const over = (): boolean => refreshing.delete(found.key)
    const timer = setTimeout(over, loadLeaseMs).unref() // a handler may never end
    const storedTags = found.looked.entry?.tags ?? []
    const purpose = { fwd: 'stale', stale, ifError: stale.status < 500, storedTags, inBackground: true, inFront } as const
    detached(() => flight({ found, headers: asked.exchange.headers, waits: false, produce: () => make(asked, purpose) }))
      .then((landed) => (landed.by === 'own' ? landed.done : undefined))
      .catch((error: unknown) => announceFailure({ name, key: asked.base, call: 'refresh', error }))
      .finally(() => {
        clearTimeout(timer)
        over()
      })
  }
}
