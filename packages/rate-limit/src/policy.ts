import { createHash } from 'node:crypto'

/** How a policy counts. `sliding-window-log` is exact: never more than `limit` in any window. */
export type AlgorithmName = 'sliding-window-log' | 'sliding-window-counter' | 'fixed-window' | 'token-bucket'

/** What a client may do: `limit` units per `windowMs`; for a token bucket, `limit` at once and `refill` more per `windowMs`. */
export interface PolicyOptions {
  /** As headers and decisions name it: printable ASCII. */
  readonly name: string
  /** Units per window: a whole number. 0 refuses everything. */
  readonly limit: number
  /** Milliseconds: a whole number. */
  readonly windowMs: number
  /** Defaults to `'sliding-window-log'`. */
  readonly algorithm?: AlgorithmName
  /** Where fixed windows begin: at a client's first request, or at multiples of `windowMs` since the epoch. Defaults to `'first'`. */
  readonly anchor?: 'first' | 'clock'
  /** Tokens that come back to a token bucket per `windowMs`: a whole number of at least 1. Defaults to `limit`. */
  readonly refill?: number
}

/** A policy with its defaults filled in. */
export interface Policy extends Required<PolicyOptions> {
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
  const {
    name,
    limit,
    windowMs,
    algorithm = 'sliding-window-log',
    anchor = 'first',
    refill = Math.max(1, limit),
    ...unknown
  } = options
  if (typeof name !== 'string' || !/^[\x20-\x7e]+$/.test(name)) {
    throw new RangeError(`A policy's name must be printable ASCII, got ${JSON.stringify(name)}`)
  }
  const of = `of policy ${JSON.stringify(name)}`
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new RangeError(`limit ${of} must be a whole number of at least 0, got ${shown(limit)}`)
  }
  if (!Number.isSafeInteger(windowMs) || windowMs < 1 || windowMs > LONGEST_WINDOW) {
    throw new RangeError(
      `windowMs ${of} must be a whole number of milliseconds from 1 to ${LONGEST_WINDOW}, got ${shown(windowMs)}`,
    )
  }
  if (!ALGORITHMS.includes(algorithm)) {
    throw new RangeError(`algorithm ${of} must be one of ${ALGORITHMS.join(', ')}, got ${shown(algorithm)}`)
  }
  if (anchor !== 'first' && anchor !== 'clock') {
    throw new RangeError(`anchor ${of} must be 'first' or 'clock', got ${shown(anchor)}`)
  }
  if (algorithm === 'token-bucket') checkRefill(of, refill)
  else if (options.refill !== undefined)
    throw new TypeError(`refill ${of} is for the algorithm token-bucket, not for ${algorithm}`)
  if (algorithm === 'token-bucket' || algorithm === 'sliding-window-counter') checkProduct(of, algorithm, limit, windowMs)
  checkNothingUnknown(`policy ${JSON.stringify(name)}`, unknown)
  const counted = JSON.stringify([name, algorithm, windowMs, COUNTED_BESIDES[algorithm]({ anchor, refill })])
  const digest = createHash('sha256').update(counted).digest('base64url').slice(0, 6)
  return Object.freeze({ name, limit, windowMs, algorithm, anchor, refill, digest })
}

/** @throws {RangeError} when a bucket would not fill */
function checkRefill(of: string, refill: number): void {
  if (Number.isSafeInteger(refill) && refill >= 1) return
  throw new RangeError(`refill ${of} must be a whole number of at least 1, got ${shown(refill)}`)
}

/** @throws {RangeError} when what is calculated in units times `windowMs` could not be exact */
function checkProduct(of: string, algorithm: AlgorithmName, limit: number, windowMs: number): void {
  if (limit * windowMs <= LARGEST_PRODUCT) return
  throw new RangeError(
    `limit times windowMs ${of} must be at most ${LARGEST_PRODUCT} for a ${algorithm}, got ${limit} times ${windowMs}: shorten windowMs`,
  )
}

/** @throws {TypeError} when there is an option that nothing reads: it is misspelt, or of another library */
export function checkNothingUnknown(where: string, unknown: object): void {
  const [name] = Object.entries(unknown).find(([, value]) => value !== undefined) ?? []
  if (name !== undefined) throw new TypeError(`Unknown option ${JSON.stringify(name)} in ${where}`)
}

/** A value as error messages show it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** What the fields of an algorithm depend on, beside the window. */
const COUNTED_BESIDES: Record<AlgorithmName, (policy: { anchor: string; refill: number }) => string | number> = {
  'sliding-window-log': () => '',
  'sliding-window-counter': () => '',
  'fixed-window': ({ anchor }) => anchor,
  'token-bucket': ({ refill }) => refill,
}

const ALGORITHMS = Object.keys(COUNTED_BESIDES)

/** Twice as much, of two windows, is still exact. */
const LARGEST_PRODUCT = 2 ** 52

/** A hundred years: sums of times stay exact. */
const LONGEST_WINDOW = 3_155_760_000_000
