/** As Node's callbacks, and express-session's. */
export type Callback<T> = (error?: unknown, value?: T) => unknown

/**
 * Gives what comes of a promise to a callback, if there is one, else the promise.
 *
 * The callback is called once: what it throws is its own, and comes back neither to it nor to the promise. A promise that nobody
 * looks at, as express-session's `req.session.destroy()` leaves one, ends no process.
 *
 * @throws {TypeError} when the callback is something else, such as the `maxAge` of koa-session
 */
export function settled<T>(promise: Promise<T>, callback: Callback<T> | undefined): Promise<T> | undefined {
  if (typeof callback !== 'function') {
    promise.catch(() => {})
    if (callback !== undefined) throw new TypeError(NOT_KOA)
    return promise
  }
  promise.then(
    (value) => process.nextTick(callback, null, value),
    (error: unknown) => process.nextTick(callback, error),
  )
  return undefined
}

const NOT_KOA = "This store is for express-session, with callbacks: for koa-session import it from '@holdfast/session-store/koa'"
