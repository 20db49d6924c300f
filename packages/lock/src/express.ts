import { type ExpressMiddleware, toExpress } from '@holdfast/http/express'
import type { Request } from 'express'
import { createHandler } from './handler.ts'
import type { SerializeOptions } from './serialize-options.ts'

export { getLock } from './held.ts'
export type { SerializeOptions } from './serialize-options.ts'

/**
 * Lets one request per key at a time through to the handlers after it: the others wait in line, or are refused with 409.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range
 */
export function serialize(options: SerializeOptions<Request>): ExpressMiddleware {
  return toExpress(createHandler(options))
}
