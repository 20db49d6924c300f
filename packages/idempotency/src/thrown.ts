/**
 * An error that was made for a client to see, as `ctx.throw(402, 'card declined')` makes it. Koa's middlewares answer it in front of
 * this one: to be given again, it is thrown again.
 */
export interface Exposed {
  readonly error: Answerable
  /** One of 4xx. */
  readonly status: number
}

/** What Koa and its middlewares look at. */
interface Answerable extends Error {
  readonly status?: unknown
  readonly statusCode?: unknown
  readonly expose?: unknown
}

/** Undefined for an error of the app's own, or anything else that was thrown. */
export function exposed(error: unknown): Exposed | undefined {
  if (!(error instanceof Error)) return undefined
  const answerable: Answerable = error
  const status = answerable.status || answerable.statusCode
  if (answerable.expose !== true || typeof status !== 'number' || !Number.isInteger(status)) return undefined
  return status >= 400 && status < 500 ? { error, status } : undefined
}

/**
 * Such an error as it is kept: with its own properties, as JSON, and with what its class may have in their place.
 *
 * @throws {TypeError} when they are no JSON
 */
export function encodedError(error: Answerable): Buffer {
  const { name, message, status, statusCode, expose } = error
  return Buffer.from(JSON.stringify({ ...error, name, message, status, statusCode, expose }))
}

/** @throws {Error} when the bytes are no such error */
export function decodedError(bytes: Uint8Array): Error {
  const { message, ...properties } = JSON.parse(Buffer.from(bytes).toString()) as Answerable // by `encodedError`
  const error = new Error(message)
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(error, name, { value, enumerable: name !== 'name', configurable: true, writable: true })
  }
  return error
}
