import type { Adapter } from '@holdfast/adapter'
import { checkedAdapter, checkedOneOf, checkedString, checkedWhole } from '@holdfast/adapter/options'
import type { Codec } from './codec.ts'
import type { RunsOptions } from './runs.ts'

/** What the engine and the middleware have in common. Times are whole milliseconds. */
export interface SharedOptions {
  /** Where the records are kept. */
  readonly adapter: Adapter
  /** Part of every key: what has one name shares its keys. Defaults to `'default'`. */
  readonly name?: string
  /** How long the lease of a run lasts, which is renewed while it lives: what a killed process costs. Defaults to 10,000. */
  readonly leaseMs?: number
  /** How long what came of a run is kept. Defaults to 86,400,000, a day. */
  readonly retentionMs?: number
  /** What those get who come while it runs: a refusal at once, or what comes of it. Defaults to `'reject'`. */
  readonly inProgress?: 'reject' | 'wait'
  /** How long they wait, with `'wait'`; then they are refused. Defaults to 10,000. */
  readonly waitMs?: number
  /** The largest answer that is kept, in bytes. One that is larger is given once. Defaults to 1 MiB. */
  readonly maxBytes?: number
  /** While the adapter fails: nothing runs, or everything does, unprotected. Defaults to `'closed'`. */
  readonly failure?: 'open' | 'closed'
}

export interface IdempotencyOptions extends SharedOptions {
  /** How values become bytes. Defaults to Node's structured clone. */
  readonly codec?: Codec
}

/** Options with their defaults filled in. */
export interface SharedSettings extends Omit<RunsOptions, 'alarms' | 'abandonedMs'> {
  readonly maxBytes: number
  readonly failure: 'open' | 'closed'
}

export const SHARED_OPTIONS = [
  'adapter',
  'name',
  'leaseMs',
  'retentionMs',
  'inProgress',
  'waitMs',
  'maxBytes',
  'failure',
] as const

/** @throws {TypeError | RangeError} when an option is missing or out of range */
export function checkedShared(options: SharedOptions): SharedSettings {
  const { adapter, name = 'default', leaseMs = 10_000, retentionMs = 86_400_000, failure = 'closed' } = options
  const { inProgress = 'reject', waitMs = 10_000, maxBytes = 2 ** 20 } = options
  checkedAdapter(adapter)
  checkedString('name', name)
  checkedOneOf('inProgress', inProgress, ['reject', 'wait'])
  if (options.waitMs !== undefined && inProgress !== 'wait') throw new TypeError("waitMs is for inProgress: 'wait'")
  checkedOneOf('failure', failure, ['open', 'closed'])
  return {
    adapter,
    name,
    leaseMs: checkedWhole('leaseMs', leaseMs, 1, MOST_MS),
    retentionMs: checkedWhole('retentionMs', retentionMs, 1, MOST_MS),
    waitMs: inProgress === 'wait' ? checkedWhole('waitMs', waitMs, 1, MOST_MS) : 0,
    maxBytes: checkedWhole('maxBytes', maxBytes, 0, MOST_BYTES),
    failure,
  }
}

/** A year: no timer and no key has to last longer. */
export const MOST_MS: number = 366 * 86_400_000

/** What Redis holds in one string. */
export const MOST_BYTES: number = 512 * 2 ** 20
