import { isAdapterError } from '@holdfast/adapter'
import type { CompleteResponse, Exchange, ResponseHead } from '@holdfast/http'
import type { Engine } from './engine.ts'
import { announceFailure } from './events.ts'
import { groupsIn } from './groups.ts'
import type { Shelf } from './shelf.ts'

export interface Unsafe {
  readonly exchange: Exchange<unknown>
  readonly next: () => Promise<void>
  /** The key of its URL. */
  readonly base: string
  /** How much of the response is held, for `after` to see. */
  readonly maxBytes: number
  /** Called when what was stored is dropped, and before the client hears of it. */
  after?(response: CompleteResponse): Promise<void>
}

/**
 * Passes on a request that may change what is stored; when it has, drops that before the client hears of it: RFC 9111, section 4.4.
 * Its URL, those of the same origin in `Location` and `Content-Location`, and the groups of RFC 9875.
 */
export function createInvalidation({ name, keyOf, entries, newBudget }: Engine, shelf: Shelf): (unsafe: Unsafe) => Promise<void> {
  return async function invalidate({ exchange, next, base, maxBytes, after }) {
    const { host, url } = exchange

    async function dropFor(head: ResponseHead): Promise<void> {
      if (head.status < 200 || head.status >= 400) return
      const budget = newBudget()
      const others = ['location', 'content-location'].flatMap((field) => sameOrigin(host, url, head.getHeader(field)))
      const keys = new Set([base, ...others.map((other) => keyOf(host, other))])
      const groups = groupsIn(head.getHeader('cache-group-invalidation'), host)
      try {
        await Promise.all([...keys].map((key) => shelf.drop(key, budget)))
        if (groups.length > 0) await entries.purge(groups, budget)
      } catch (error) {
        if (!isAdapterError(error)) throw error
        announceFailure({ name, key: base, call: 'adapter', error })
      }
    }

    const held = await exchange.hold(next, { maxBytes, onTooLarge: dropFor })
    if (held.outcome !== 'complete') return
    await dropFor(held.head)
    await after?.(held)
  }
}

/** The path of a URL in a response, when it is of the host that was asked. */
export function sameOrigin(host: string, url: string, reference: string | undefined): string[] {
  if (reference === undefined) return []
  const base = URL.canParse(url) ? url : `http://${host}${url}`
  if (!URL.canParse(base) || !URL.canParse(reference, base)) return []
  const target = new URL(reference, base)
  return target.host === new URL(base).host ? [`${target.pathname}${target.search}`] : []
}
