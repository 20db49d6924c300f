import { inspect } from 'node:util'

/** A failure that no response can tell of any more is shown to the operator. */
export function report(what: string, error: unknown): void {
  process.emitWarning(`${what}: ${inspect(error)}`, { type: 'HoldfastWarning', code: 'HOLDFAST_HTTP' })
}

export function reportLateFailure(error: unknown): void {
  report('A handler failed after it had answered the request or passed it on', error)
}

/** Express takes `next(undefined)` and `next('route')` for "go on", and Koa never answers a thrown `undefined`: errors are objects. */
export function asError(error: unknown): object {
  return typeof error === 'object' && error !== null ? error : new Error(`A handler threw ${inspect(error)}`)
}
