import { type Adapter, checkedAdapter } from '@holdfast/adapter'
import type { Alarms } from '@holdfast/adapter/lease'

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
  checkOnlyKnown('createLocks', options, ['adapter', 'name', 'leaseMs', 'alarms'])
  const { adapter, name = 'default', leaseMs = 10_000, alarms } = options
  checkAlarms(alarms)
  return { adapter: checkedAdapter(adapter), name: checkedName(name), leaseMs: checkedMs('leaseMs', leaseMs), alarms }
}

function checkAlarms(alarms: Alarms | undefined): void {
  if (alarms === undefined) return
  if (typeof alarms?.now === 'function' && typeof alarms.at === 'function') return
  throw new TypeError(`alarms must have now() and at(moment, ring), as handClock() has, got ${shown(alarms)}`)
}

function checkedName(name: unknown): string {
  if (typeof name === 'string') return name
  throw new TypeError(`name must be a string, got ${shown(name)}`)
}

/** @throws {TypeError} when it is no string: a missing id would have strangers wait for each other */
export function checkedKey(key: unknown): string {
  if (typeof key === 'string') return key
  throw new TypeError(`The key of a lock must be a string, got ${shown(key)}`)
}

/** @throws {RangeError} when it is no whole number from 1 to a hundred years */
export function checkedMs(what: string, ms: unknown): number {
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= 1 && ms <= LONGEST_MS) return ms
  throw new RangeError(`${what} must be a whole number of milliseconds from 1 to ${LONGEST_MS}, got ${shown(ms)}`)
}

/** @throws {RangeError} when it is below 0 or no number; `Infinity` is one */
export function checkedWaitMs(waitMs: unknown): number {
  if (typeof waitMs === 'number' && waitMs >= 0) return waitMs
  throw new RangeError(`waitMs must be a number of milliseconds of at least 0, or Infinity, got ${shown(waitMs)}`)
}

/** @throws {RangeError} when it is no whole number from 1 to 1,000 */
export function checkedPermits(permits: unknown): number {
  if (typeof permits === 'number' && Number.isSafeInteger(permits) && permits >= 1 && permits <= MOST_PERMITS) return permits
  throw new RangeError(`permits must be a whole number from 1 to ${MOST_PERMITS}, got ${shown(permits)}`)
}

export function checkedFlag(what: string, flag: unknown): boolean {
  if (typeof flag === 'boolean') return flag
  throw new TypeError(`${what} must be true or false, got ${shown(flag)}`)
}

/**
 * @throws {TypeError} when the options are no object, as a number of milliseconds is none, or there is one that nothing reads: it is
 *   misspelt, or of another library
 */
export function checkOnlyKnown(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`The options of ${of} must be an object, got ${shown(options)}`)
  }
  const [name] = Object.entries(options).find(([each, value]) => value !== undefined && !known.includes(each)) ?? []
  if (name !== undefined) {
    throw new TypeError(`Unknown option ${JSON.stringify(name)} in the options of ${of}: there are ${known.join(', ')}`)
  }
}

/** A value as error messages show it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** Each step looks at all holders, and keeps Redis from all else meanwhile. */
const MOST_PERMITS = 1_000
const LONGEST_MS = 100 * 365 * 86_400_000
