import { createHash } from 'node:crypto'
import { checkedFlag, checkedOneOf, checkedWhole, checkKnown, shown } from '@holdfast/adapter/options'

/** How a policy counts. `sliding-window-log` is exact: never more than `limit` in any window. */
export type AlgorithmName = 'sliding-window-log' | 'sliding-window-counter' | 'fixed-window' | 'token-bucket' | 'concurrency'

// Rates stand last: compilers speak of the last one where options fit none, as when `windowMs` is missing.
export type PolicyOptions = ConcurrencyPolicyOptions | RatePolicyOptions

interface SharedOptions {
  /** As headers and decisions name it: printable ASCII. */
  readonly name: string
  /** Units per window, or at once: a whole number. 0 refuses everything. */
  readonly limit: number
  /** What a unit is, as clients are told. Defaults to `'requests'`. */
  readonly unit?: 'requests' | 'content-bytes'
  /** Counts and reports, and never refuses: to try a policy out. What it would have refused, it does not charge. Defaults to false. */
  readonly shadow?: boolean
}

/** `limit` units per `windowMs`; for a token bucket, `limit` at once and `refill` more per `windowMs`. */
export interface RatePolicyOptions extends SharedOptions {
  /** Milliseconds: a whole number. */
  readonly windowMs: number
  /** Defaults to `'sliding-window-log'`. */
  readonly algorithm?: Exclude<AlgorithmName, 'concurrency'>
  /** Where fixed windows begin: at a client's first request, or at multiples of `windowMs` since the epoch. Defaults to `'first'`. */
  readonly anchor?: 'first' | 'clock'
  /** Tokens that come back to a token bucket per `windowMs`: a whole number of at least 1. Defaults to `limit`. */
  readonly refill?: number
  readonly leaseMs?: never
}

/** `limit` units at one time, until `receipt.release()` gives them back. */
export interface ConcurrencyPolicyOptions extends SharedOptions {
  readonly algorithm: 'concurrency'
  /**
   * How long the units of a process that died stay taken, in milliseconds; a process that lives renews them. Defaults to 30,000.
   */
  readonly leaseMs?: number
  readonly windowMs?: never
  readonly anchor?: never
  readonly refill?: never
}

/** A policy with its defaults filled in. */
export interface Policy {
  readonly name: string
  readonly algorithm: AlgorithmName
  readonly limit: number
  /** For concurrency, the lease. */
  readonly windowMs: number
  readonly anchor: 'first' | 'clock'
  readonly refill: number
  /** Whether `refill` was given, and stays when a call has another limit. */
  readonly hasRefill: boolean
  readonly shadow: boolean
  readonly unit: 'requests' | 'content-bytes'
  /** Names the policy's fields: a deploy that changes what is counted starts it clean, one that changes the limit does not. */
  readonly digest: string
}

/**
 * Checks policies and fills in their defaults.
 *
 * @throws {TypeError | RangeError} when a part of one is missing or out of range, or two have the same name
 */
export function definePolicies(options: readonly PolicyOptions[]): readonly Policy[] {
  const given: unknown = options
  if (!Array.isArray(given)) throw new TypeError(`policies must be a list, got ${shown(options)}`)
  if (options.length === 0) throw new RangeError('policies must hold at least one policy')
  const names = new Set<string>()
  return options.map((each) => {
    const policy = definePolicy(each)
    if (names.has(policy.name)) throw new RangeError(`Two policies are named ${JSON.stringify(policy.name)}: name them apart`)
    names.add(policy.name)
    return policy
  })
}

function definePolicy(options: PolicyOptions): Policy {
  checkKnown('a policy', options, POLICY_OPTIONS)
  const { name, limit, windowMs, leaseMs = DEFAULT_LEASE_MS, algorithm = 'sliding-window-log' } = options
  const { anchor = 'first', refill, shadow = false, unit = 'requests' } = options
  if (typeof name !== 'string' || !/^[\x20-\x7e]+$/.test(name)) {
    throw new RangeError(`A policy's name must be printable ASCII, got ${shown(name)}`)
  }
  const of = `of policy ${JSON.stringify(name)}`
  checkedOneOf(`algorithm ${of}`, algorithm, ALGORITHMS)
  checkAlgorithms(of, algorithm, options)
  const lengthMs = algorithm === 'concurrency' ? checkedMs(`leaseMs ${of}`, leaseMs) : checkedMs(`windowMs ${of}`, windowMs)
  checkedOneOf(`anchor ${of}`, anchor, ['first', 'clock'])
  if (refill !== undefined) checkedWhole(`refill ${of}`, refill, 1)
  checkedFlag(`shadow ${of}`, shadow)
  checkedOneOf(`unit ${of}`, unit, ['requests', 'content-bytes'])
  const counted = JSON.stringify([name, algorithm, lengthMs, algorithm === 'fixed-window' ? anchor : ''])
  const digest = createHash('sha256').update(counted).digest('base64url').slice(0, 6)
  const hasRefill = refill !== undefined
  return limited(
    { name, algorithm, limit, windowMs: lengthMs, anchor, refill: refill ?? 1, hasRefill, shadow, unit, digest },
    limit,
  )
}

/**
 * A policy with another limit, that counts on in the same fields.
 *
 * @throws {RangeError} when the limit is no whole number from 0 on, or larger than the policy can count
 */
export function limited(policy: Policy, limit: number): Policy {
  const { algorithm, windowMs, hasRefill, refill } = policy
  const of = `of policy ${JSON.stringify(policy.name)}`
  checkedWhole(`limit ${of}`, limit, 0)
  if (CALCULATES_PRODUCTS.includes(algorithm) && limit * windowMs > LARGEST_PRODUCT) {
    throw new RangeError(
      `limit times windowMs ${of} must be at most ${LARGEST_PRODUCT} for a ${algorithm}, got ${limit} times ${windowMs}: shorten windowMs`,
    )
  }
  return Object.freeze({ ...policy, limit, refill: hasRefill ? refill : Math.max(1, limit) })
}

/** @throws {TypeError} when an option is for another algorithm */
function checkAlgorithms(of: string, algorithm: AlgorithmName, options: PolicyOptions): void {
  for (const [option, algorithms] of Object.entries(BELONGS_TO)) {
    if (Reflect.get(options, option) === undefined || algorithms.includes(algorithm)) continue
    throw new TypeError(`${option} ${of} is for the algorithm ${algorithms.join(', ')}, not for ${algorithm}`)
  }
}

/**
 * A duration in milliseconds.
 *
 * @throws {RangeError} when it is no whole number from 1 to a hundred years
 */
export function checkedMs(name: string, ms: unknown): number {
  return checkedWhole(name, ms, 1, LONGEST_MS)
}

const ALGORITHMS: readonly AlgorithmName[] = [
  'sliding-window-log',
  'sliding-window-counter',
  'fixed-window',
  'token-bucket',
  'concurrency',
]

const RATES = ALGORITHMS.filter((algorithm) => algorithm !== 'concurrency')

export const POLICY_OPTIONS: readonly string[] = [
  ...['name', 'limit', 'windowMs', 'algorithm', 'anchor', 'refill', 'leaseMs', 'shadow', 'unit'],
]

/** The options that not every algorithm has. An anchor does no harm. */
const BELONGS_TO: Record<string, readonly AlgorithmName[]> = {
  windowMs: RATES,
  refill: ['token-bucket'],
  leaseMs: ['concurrency'],
}

const DEFAULT_LEASE_MS = 30_000

const CALCULATES_PRODUCTS: readonly AlgorithmName[] = ['token-bucket', 'sliding-window-counter']

/** Of what is calculated in units times `windowMs`: twice as much, of two windows, is still exact. */
export const LARGEST_PRODUCT: number = 2 ** 52

/** A hundred years: sums of times stay exact. */
const LONGEST_MS = 3_155_760_000_000
