import type { IncomingMessage, ServerResponse } from 'node:http'
import { report } from '../failure.ts'
import { keepAddress } from './address.ts'
import { problem } from './problem.ts'
import { respond } from './respond.ts'
import type { NodeMiddleware } from './to-node.ts'
import { compileTrust, type TrustProxy } from './trust-proxy.ts'
import { setReason } from './version.ts'

export interface FrontOptions {
  /** Whose word on the client's address is believed, as Express' `trust proxy`. Defaults to false: nobody's. */
  readonly trustProxy?: TrustProxy
}

/**
 * A listener for `http.createServer` that runs middlewares in order, and then the app: an Express app or Koa's `app.callback()`.
 *
 * What a middleware refuses never reaches the framework. What fails here is answered as `application/problem+json`.
 *
 * @throws {TypeError | RangeError} when an argument is not what it must be
 */
export function front(
  middlewares: readonly NodeMiddleware[],
  listener: (req: IncomingMessage, res: ServerResponse) => unknown,
  { trustProxy = false, ...unknown }: FrontOptions = {},
): (req: IncomingMessage, res: ServerResponse) => void {
  checkGiven(middlewares, listener, unknown)
  const chain: readonly ((...of: Parameters<NodeMiddleware>) => unknown)[] = [...middlewares]
  const trust = trustProxy === false ? undefined : compileTrust(trustProxy)

  return (req, res) => {
    let reached = -1

    function pass(position: number): void {
      if (position <= reached) return report(FAILED, new Error('next() called multiple times'))
      reached = position
      try {
        const step = chain[position]
        // Given a `next`, Express would leave it to us what it has no route for, and its errors.
        const running = step
          ? step(req, res, (error) => (error ? fail(req, res, error) : pass(position + 1)))
          : listener(req, res)
        if (running !== undefined) Promise.resolve(running).catch((error) => fail(req, res, error))
      } catch (error) {
        fail(req, res, error)
      }
    }

    try {
      keepAddress(req, trust)
    } catch (error) {
      return fail(req, res, error)
    }
    pass(0)
  }
}

function checkGiven(middlewares: unknown, listener: unknown, unknown: object): void {
  const [option] = Object.keys(unknown)
  if (option !== undefined) throw new TypeError(`Unknown option ${JSON.stringify(option)} of front: there is trustProxy`)
  if (!Array.isArray(middlewares)) throw new TypeError(`front takes a list of middlewares first, got ${typeof middlewares}`)
  const functions: readonly unknown[] = middlewares.concat([listener])
  for (const each of functions) {
    if (typeof each === 'function') continue
    const hint = typeof each === 'object' && each !== null && 'callback' in each ? ': of a Koa app give app.callback()' : ''
    throw new TypeError(`front takes functions (req, res, next), got ${typeof each}${hint}`)
  }
}

function fail(req: IncomingMessage, res: ServerResponse, error: unknown): void {
  const response = problem(error)
  if (response.status >= 500 || res.headersSent) report(FAILED, error) // a 4xx is the client's doing: it must not fill the log
  if (res.writableEnded) return
  if (res.headersSent) return void res.destroy()
  for (const name of STALE_HEADERS) res.removeHeader(name)
  setReason(res, '') // that was of the response that failed
  respond(req, res, response)
}

const FAILED = 'A request failed in front of the app'
const STALE_HEADERS = ['Content-Encoding', 'Content-Language', 'Content-Range', 'Transfer-Encoding', 'Trailer']
