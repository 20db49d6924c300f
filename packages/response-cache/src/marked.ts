import type { IncomingHttpHeaders } from 'node:http'
import { isAdapterError } from '@holdfast/adapter'
import type { Engine } from './engine.ts'
import { announceFailure } from './events.ts'
import type { Product, Production } from './order.ts'
import type { Found, Shelf } from './shelf.ts'

/** A request whose key is marked: the last response was one client's own. */
export interface Marked {
  readonly found: Found
  readonly headers: IncomingHttpHeaders
  produce(): Production
}

/** Of requests that say who asks, whose answers mostly are their own again, one in so many is tried: trying costs more than passing. */
const TRIED_ONE_IN = 32

/** @returns Whether a request whose key is marked is tried, or just passed on */
export function createTrials(isRfc: boolean): (headers: IncomingHttpHeaders) => boolean {
  let passed = 0
  return ({ cookie, authorization }) => {
    if (isRfc || (cookie === undefined && authorization === undefined)) return true
    passed = (passed + 1) % TRIED_ONE_IN
    return passed === 0
  }
}

/**
 * Has a response made for one request alone, and stores it in the place of the mark if it may be for others: hit-for-miss. Of several at
 * once the first is stored; none is when the mark has gone meanwhile, for that may have been a purge.
 */
export function createMarked({ name, refusals }: Engine, shelf: Shelf): (marked: Marked) => Promise<void> {
  async function keep(found: Found, { stored, names, tags }: Product, headers: IncomingHttpHeaders): Promise<void> {
    if (stored === undefined) return
    const { moment, seen } = found.looked
    try {
      if (await shelf.keep(found, stored, { names, headers }, { ...moment, tags, token: seen })) refusals.delete(found.base)
    } catch (error) {
      if (!isAdapterError(error)) throw error
      announceFailure({ name, key: found.base, call: 'adapter', error })
    }
  }

  return ({ found, headers: asked, produce }) => {
    const headers = { ...asked } // as they were sent: handlers may change them
    const { product, done } = produce()
    product.then((made) => keep(found, made, headers)).catch(() => {}) // whoever runs the handlers gets their error by `done`
    return done
  }
}
