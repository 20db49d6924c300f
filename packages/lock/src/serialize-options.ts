import { checkedOneOf, checkFunctions, checkKnown, shown } from '@holdfast/adapter/options'
import { checkedMs, checkedWaitMs, type LocksOptions } from './options.ts'

export interface SerializeOptions<Native> extends LocksOptions {
  /**
   * What one request at a time may work on, a string. Locks of the same `name` and key exclude it, wherever they are taken.
   *
   * Types say of a route's parameter that it may be missing or a list: where it is, or is empty, the request fails by a TypeError.
   */
  readonly key: (native: Native) => MaybeKey | Promise<MaybeKey>
  /** Whether a request passes without a lock. Defaults to none. */
  readonly skip?: (native: Native) => boolean | Promise<boolean>
  /** What becomes of a request whose key is locked: it waits in line, or it is refused with 409. Defaults to `'wait'`. */
  readonly onBusy?: 'wait' | 'reject'
  /** How long a request waits before it is refused, in milliseconds. Defaults to 5,000. */
  readonly waitMs?: number
  /** When a refused client is told to ask again (`Retry-After`), in milliseconds. Defaults to 1,000. */
  readonly retryAfterMs?: number
  /** What becomes of a request while the adapter fails: it is refused with 503, or it passes without a lock. Defaults to `'closed'`. */
  readonly failure?: 'closed' | 'open'
}

export type MaybeKey = string | readonly string[] | undefined

interface SerializeSettings<Native> {
  readonly key: SerializeOptions<Native>['key']
  readonly skip: SerializeOptions<Native>['skip']
  /** 0: a request that finds its key locked is refused. */
  readonly waitMs: number
  readonly retryAfterMs: number
  readonly failure: 'closed' | 'open'
  /** What is left of the options. */
  readonly locks: LocksOptions
}

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function checkedSerializeOptions<Native>(options: SerializeOptions<Native>): SerializeSettings<Native> {
  checkKnown('serialize', options, OPTIONS)
  const { key, skip, onBusy = 'wait', waitMs, retryAfterMs = 1_000, failure = 'closed' } = options
  const { adapter, name, leaseMs, alarms } = options
  if (typeof key !== 'function') throw new TypeError(`key must be a function of the request, got ${shown(key)}`)
  checkFunctions({ skip })
  checkedOneOf('onBusy', onBusy, ['wait', 'reject'])
  if (onBusy === 'reject' && waitMs !== undefined) throw new TypeError("waitMs is for onBusy: 'wait', and onBusy is 'reject'")
  return {
    key,
    skip,
    waitMs: onBusy === 'reject' ? 0 : checkedWaitMs(waitMs ?? 5_000),
    retryAfterMs: checkedMs('retryAfterMs', retryAfterMs),
    failure: checkedOneOf('failure', failure, ['closed', 'open']),
    locks: {
      adapter,
      ...(name !== undefined && { name }),
      ...(leaseMs !== undefined && { leaseMs }),
      ...(alarms !== undefined && { alarms }),
    },
  }
}

/** @throws {TypeError} when it is no string, or is empty: a missing id would have strangers wait for each other */
export function checkedRequestKey(key: MaybeKey): string {
  if (typeof key === 'string' && key !== '') return key
  throw new TypeError(`key must return a string that is not empty, got ${shown(key)}`)
}

const OPTIONS = ['adapter', 'key', 'name', 'skip', 'onBusy', 'waitMs', 'retryAfterMs', 'leaseMs', 'failure', 'alarms']
