/**
 * An error that was made for a client to see, as `ctx.throw(402, 'card declined')` makes it, with a status of 4xx. Koa's middlewares
 * answer it in front of this one: to be given again, it is thrown again.
 */
export interface Exposed extends Error {
  readonly status: number
  readonly expose: true
}

export function isExposed(error: unknown): error is Exposed {
  if (!(error instanceof Error) || !('status' in error) || !('expose' in error)) return false
  const { status, expose } = error
  return expose === true && typeof status === 'number' && Number.isInteger(status) && status >= 400 && status < 500
}

/**
 * Such an error as it is kept: with its own properties, as JSON.
 *
 * @throws {TypeError} when they are no JSON
 */
export function encodedError(error: Exposed): Buffer {
  const { name, message, status, expose } = error
  return Buffer.from(JSON.stringify({ ...error, name, message, status, expose }))
}

/** @throws {Error} when the bytes are no such error */
export function decodedError(bytes: Uint8Array): Error {
  const { message, ...properties } = JSON.parse(Buffer.from(bytes).toString()) as Exposed // by `encodedError`
  const error = new Error(message)
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(error, name, { value, enumerable: name !== 'name', configurable: true, writable: true })
  }
  return error
}
