import type { Adapter } from '../adapter.ts'
import { AdapterUnavailableError } from '../errors.ts'
import { intercepted } from './intercepted.ts'

export interface FailingAdapter extends Adapter {
  /** From now on every call rejects with `error`. */
  fail(error?: Error): void
  /** From now on calls reach the adapter again. */
  recover(): void
}

/**
 * An adapter in an outage: every call rejects, until `recover()`.
 *
 * @param error Defaults to an `AdapterUnavailableError`
 */
export function failing(adapter: Adapter, error: Error = outage()): FailingAdapter {
  let failure: Error | undefined = error
  return {
    ...intercepted(adapter, async (_name, _options, call) => {
      if (failure !== undefined) throw failure
      return call()
    }),
    fail: (next = outage()) => {
      failure = next
    },
    recover: () => {
      failure = undefined
    },
  }
}

function outage(): Error {
  return new AdapterUnavailableError('failing() is in the way of this adapter')
}
