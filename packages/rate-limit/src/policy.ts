import { createHash } from 'node:crypto'

/** How a policy counts. `sliding-window-log` is exact: never more than `limit` in any window. */
export type AlgorithmName = 'sliding-window-log' | 'sliding-window-counter' | 'fixed-window' | 'token-bucket' | 'concurrency'

export type PolicyOptions = RatePolicyOptions | ConcurrencyPolicyOptions

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
  checkGiven('A policy', options)
  const { name, limit, windowMs, leaseMs = DEFAULT_LEASE_MS, algorithm = 'sliding-window-log' } = options
  const { anchor = 'first', refill, shadow = false, unit = 'requests' } = options
  if (typeof name !== 'string' || !/^[\x20-\x7e]+$/.test(name)) {
    throw new RangeError(`A policy's name must be printable ASCII, got ${JSON.stringify(name)}`)
  }
  const of = `of policy ${JSON.stringify(name)}`
  if (!ALGORITHMS.includes(algorithm)) {
    throw new RangeError(`algorithm ${of} must be one of ${ALGORITHMS.join(', ')}, got ${shown(algorithm)}`)
  }
  checkOptions(of, algorithm, options)
  const lengthMs = algorithm === 'concurrency' ? checkedMs(`leaseMs ${of}`, leaseMs) : checkedMs(`windowMs ${of}`, windowMs)
  if (anchor !== 'first' && anchor !== 'clock') {
    throw new RangeError(`anchor ${of} must be 'first' or 'clock', got ${shown(anchor)}`)
  }
  if (refill !== undefined && !(Number.isSafeInteger(refill) && refill >= 1)) {
    throw new RangeError(`refill ${of} must be a whole number of at least 1, got ${shown(refill)}`)
  }
  if (typeof shadow !== 'boolean') throw new TypeError(`shadow ${of} must be true or false, got ${shown(shadow)}`)
  if (unit !== 'requests' && unit !== 'content-bytes') {
    throw new RangeError(`unit ${of} must be 'requests' or 'content-bytes', got ${shown(unit)}`)
  }
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
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new RangeError(`limit ${of} must be a whole number of at least 0, got ${shown(limit)}`)
  }
  if (CALCULATES_PRODUCTS.includes(algorithm) && limit * windowMs > LARGEST_PRODUCT) {
    throw new RangeError(
      `limit times windowMs ${of} must be at most ${LARGEST_PRODUCT} for a ${algorithm}, got ${limit} times ${windowMs}: shorten windowMs`,
    )
  }
  return Object.freeze({ ...policy, limit, refill: hasRefill ? refill : Math.max(1, limit) })
}

/** @throws {TypeError} when an option is for another algorithm, or nothing reads it */
function checkOptions(of: string, algorithm: AlgorithmName, options: PolicyOptions): void {
  const unknown: Record<string, unknown> = { ...options }
  for (const option of KNOWN) delete unknown[option]
  for (const [option, algorithms] of Object.entries(BELONGS_TO)) {
    if (unknown[option] !== undefined && !algorithms.includes(algorithm)) {
      throw new TypeError(`${option} ${of} is for the algorithm ${algorithms.join(', ')}, not for ${algorithm}`)
    }
    delete unknown[option]
  }
  checkNothingUnknown(of.slice('of '.length), unknown)
}

/**
 * A duration in milliseconds.
 *
 * @throws {RangeError} when it is no whole number from 1 to a hundred years
 */
export function checkedMs(what: string, ms: unknown): number {
  if (typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= 1 && ms <= LONGEST_MS) return ms
  throw new RangeError(`${what} must be a whole number of milliseconds from 1 to ${LONGEST_MS}, got ${shown(ms)}`)
}

/** @throws {TypeError} when there is an option that nothing reads: it is misspelt, or of another library */
export function checkNothingUnknown(where: string, unknown: object): void {
  const [name] = Object.entries(unknown).find(([, value]) => value !== undefined) ?? []
  if (name !== undefined) throw new TypeError(`Unknown option ${JSON.stringify(name)} in ${where}`)
}

/** @throws {TypeError} when there is an option that is none of those, and says which there are */
export function checkKnown(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name) || Reflect.get(options, name) === undefined) continue
    throw new TypeError(`Unknown option ${JSON.stringify(name)}: there are ${known.join(', ')}`)
  }
}

/** @throws {TypeError} when it is no object: it was forgotten, or something else is in its place */
export function checkGiven(what: string, options: unknown): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${what} must be an object, got ${shown(options)}`)
}

/** A value as error messages show it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

const ALGORITHMS: readonly AlgorithmName[] = [
  'sliding-window-log',
  'sliding-window-counter',
  'fixed-window',
  'token-bucket',
  'concurrency',
]

const RATES = ALGORITHMS.filter((algorithm) => algorithm !== 'concurrency')

const KNOWN = ['name', 'limit', 'algorithm', 'anchor', 'shadow', 'unit']

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
