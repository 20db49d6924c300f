import type { Adapter } from '@holdfast/adapter'
import type { Alarms } from '@holdfast/adapter/lease'
import { checkedAdapter, checkedString, checkedWhole, checkKnown, shown } from '@holdfast/adapter/options'

export interface LocksOptions {
  /** Where it is kept who holds what. */
  readonly adapter: Adapter
  /** Part of every key: locks of one name and key exclude each other, in all processes. Defaults to `'default'`. */
  readonly name?: string
  /** How long a lock outlives a holder that died, in milliseconds. A holder that lives renews it. Defaults to 10,000. */
  readonly leaseMs?: number
  /** The clock of waits and renewals, for tests. Defaults to the monotonic one. */
  readonly alarms?: Alarms
}

export interface HoldOptions {
  /** Defaults to that of `createLocks`. */
  readonly leaseMs?: number
  /** Whether the lease is renewed every third of `leaseMs` while its holder lives. Defaults to true. */
  readonly autoExtend?: boolean
}

export interface AcquireOptions extends HoldOptions {
  /** How long to wait in line, in milliseconds. Defaults to `Infinity`. */
  readonly waitMs?: number
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined
}

export interface LocksSettings {
  readonly adapter: Adapter
  readonly name: string
  readonly leaseMs: number
  readonly alarms: Alarms | undefined
}

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function checkedLocksOptions(options: LocksOptions): LocksSettings {
  checkKnown('createLocks', options, ['adapter', 'name', 'leaseMs', 'alarms'])
  const { adapter, name = 'default', leaseMs = 10_000, alarms } = options
  checkAlarms(alarms)
  return { adapter: checkedAdapter(adapter), name: checkedString('name', name), leaseMs: checkedMs('leaseMs', leaseMs), alarms }
}

function checkAlarms(alarms: Alarms | undefined): void {
  if (alarms === undefined) return
  if (typeof alarms?.now === 'function' && typeof alarms.at === 'function') return
  throw new TypeError(`alarms must have now() and at(moment, ring), as handClock() has, got ${shown(alarms)}`)
}

/** @throws {TypeError} when it is no string: a missing id would have strangers wait for each other */
export function checkedKey(key: unknown): string {
  return checkedString('The key of a lock', key)
}

/**
 * Each once, in the order of their code units, which is the same in all processes: who takes several locks in one order never waits for
 * somebody who waits for them.
 *
 * @throws {TypeError | RangeError} when it is no list of strings, empty, or too long
 */
export function checkedKeys(keys: unknown): readonly string[] {
  if (!Array.isArray(keys)) throw new TypeError(`keys must be a list of keys, got ${shown(keys)}`)
  const distinct = new Set(keys.map(checkedKey))
  checkedWhole('The number of keys', distinct.size, 1, MOST_KEYS)
  return [...distinct].sort((one, other) => (one < other ? -1 : 1))
}

/** @throws {RangeError} when it is no whole number from 1 to a hundred years */
export function checkedMs(what: string, ms: unknown): number {
  return checkedWhole(what, ms, 1, LONGEST_MS)
}

/** @throws {RangeError} when it is below 0 or no number; `Infinity` is one */
export function checkedWaitMs(waitMs: unknown): number {
  if (typeof waitMs === 'number' && waitMs >= 0) return waitMs
  throw new RangeError(`waitMs must be a number of milliseconds of at least 0, or Infinity, got ${shown(waitMs)}`)
}

/** @throws {RangeError} when it is no whole number from 1 to 1,000 */
export function checkedPermits(permits: unknown): number {
  return checkedWhole('permits', permits, 1, MOST_PERMITS)
}

/** Each step looks at all holders, and keeps Redis from all else meanwhile. */
const MOST_PERMITS = 1_000
/** They are taken one after the other. */
const MOST_KEYS = 100
const LONGEST_MS = 100 * 365 * 86_400_000
