import type { Adapter } from '@holdfast/adapter'
import { checkedAdapter, checkedFlag, checkedOneOf, checkedString, checkKnown, shown } from '@holdfast/adapter/options'
import type { Penalty } from './operations/consume.ts'
import { checkedMs, definePolicies, POLICY_OPTIONS, type Policy, type PolicyOptions } from './policy.ts'

export type RateLimiterOptions = LimiterOptions & (OnePolicy | SeveralPolicies)

interface LimiterOptions {
  /** Where the counts are kept. */
  readonly adapter: Adapter
  /** The limiter's name, part of every key: limiters of one name share their counts. Defaults to `'default'`. */
  readonly name?: string
  /** What decides while the adapter fails: everything passes, nothing passes, or this process counts alone. Defaults to `'local'`. */
  readonly failure?: 'open' | 'closed' | 'local'
  /** How long a decision may take, in milliseconds. Defaults to the adapter's own. */
  readonly timeoutMs?: number
  /**
   * Whether refusals are remembered in this process, so that the next calls which are refused as well cost no round trip. Calls that
   * cost more than the one which is remembered get its `retryAfterMs`, and may have to wait longer. Defaults to false.
   */
  readonly denyCache?: boolean
  /**
   * Blocks a key that was refused: for `baseMs`, and `factor` times as long each time it is refused again, at most for `maxMs`. It is
   * forgotten `maxMs` after the end of the last block. `factor` defaults to 1, `maxMs` to a day, or `baseMs` where that is longer.
   * Defaults to none.
   */
  readonly penalty?: { readonly baseMs: number; readonly factor?: number; readonly maxMs?: number }
}

type WithoutName<Options> = Options extends unknown ? Omit<Options, 'name'> : never

type OnePolicy = WithoutName<PolicyOptions> & { readonly policies?: never }

type SeveralPolicies = {
  readonly [Option in 'limit' | 'windowMs' | 'algorithm' | 'anchor' | 'refill' | 'leaseMs' | 'shadow' | 'unit']?: never
} & {
  /** Policies that are decided together, all or nothing. */
  readonly policies: readonly PolicyOptions[]
}

/** Options with their defaults filled in. */
export interface LimiterSettings {
  readonly adapter: Adapter
  readonly name: string
  readonly failure: 'open' | 'closed' | 'local'
  readonly call: { readonly timeoutMs?: number }
  readonly denyCache: boolean
  readonly penalty: Penalty | undefined
  readonly policies: readonly Policy[]
}

/** @throws {TypeError | RangeError} when an option is missing, unknown or out of range */
export function checkedOptions(options: RateLimiterOptions): LimiterSettings {
  checkKnown('createRateLimiter', options, LIMITER_OPTIONS)
  if (options.policies !== undefined) checkKnown('a limiter with policies', options, [...SHARED_OPTIONS, 'policies'])
  const { adapter, name = 'default', failure = 'local', timeoutMs, denyCache = false, penalty, ...policy } = options
  checkedAdapter(adapter)
  checkedString('name', name)
  checkedOneOf('failure', failure, ['open', 'closed', 'local'])
  checkedFlag('denyCache', denyCache)
  const call = timeoutMs === undefined ? {} : { timeoutMs: checkedMs('timeoutMs', timeoutMs) }
  const policies = definePolicies(policyOptions(policy, name))
  return { adapter, name, failure, call, denyCache, penalty: checkedPenalty(penalty), policies }
}

function policyOptions(options: OnePolicy | SeveralPolicies, name: string): readonly PolicyOptions[] {
  if (options.policies === undefined) {
    const { policies: _policies, ...policy } = options
    return [{ ...policy, name }]
  }
  return options.policies
}

function checkedPenalty(penalty: RateLimiterOptions['penalty']): Penalty | undefined {
  if (penalty === undefined) return undefined
  checkKnown('penalty', penalty, ['baseMs', 'factor', 'maxMs'])
  const { baseMs, factor = 1, maxMs = Math.max(baseMs, DAY_MS) } = penalty
  checkedMs('baseMs of penalty', baseMs)
  if (checkedMs('maxMs of penalty', maxMs) < baseMs) {
    throw new RangeError(`maxMs of penalty must be at least baseMs, ${baseMs}, got ${maxMs}`)
  }
  if (typeof factor !== 'number' || !(factor >= 1) || factor > 1_000) {
    throw new RangeError(`factor of penalty must be a number from 1 to 1000, got ${shown(factor)}`)
  }
  return { baseMs, factor, maxMs }
}

const SHARED_OPTIONS = ['adapter', 'name', 'failure', 'timeoutMs', 'denyCache', 'penalty']

export const LIMITER_OPTIONS: readonly string[] = [...new Set(['adapter', ...POLICY_OPTIONS, 'policies', ...SHARED_OPTIONS])]

const DAY_MS = 86_400_000
