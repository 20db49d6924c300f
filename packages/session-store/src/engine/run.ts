import { type Adapter, isAdapterError } from '@holdfast/adapter'
import { SessionUnavailableError } from '../errors.ts'

export type Run = Adapter['run']

/** Runs operations. That the adapter fails becomes an error that a framework answers with 503. */
export function createRun(adapter: Adapter): Run {
  return async function run(operation, key, args, options) {
    try {
      return await adapter.run(operation, key, args, options)
    } catch (error) {
      throw asOutage(error)
    }
  }
}

/** What a caller gets to see. */
export function asOutage(error: unknown): unknown {
  return isAdapterError(error) && !isWrongType(error) ? new SessionUnavailableError(error) : error
}

/** Whether the key holds something that is no session: an outage is another thing. */
export function isWrongType(error: unknown): boolean {
  return isAdapterError(error) && error.code === 'ERR_HOLDFAST_ADAPTER_WRONG_TYPE'
}
