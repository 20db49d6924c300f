import { type Adapter, type CallOptions, isAdapterError, subjectKey } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { type Cost, costsOf } from './cost.ts'
import type { Decision, DecisionSource } from './decision.ts'
import { announce } from './events.ts'
import { type ConsumeResult, consume as consumeOperation } from './operations/consume.ts'
import { reset as resetOperation } from './operations/reset.ts'
import { checkNothingUnknown, definePolicies, type Policy, type PolicyOptions, shown } from './policy.ts'
import { registerPolicies } from './registry.ts'

export type RateLimiterOptions = LimiterSettings & (OnePolicy | SeveralPolicies)

interface LimiterSettings {
  /** Where the counts are kept. */
  readonly adapter: Adapter
  /** The limiter's name, part of every key: limiters of one name share their counts. Defaults to `'default'`. */
  readonly name?: string
  /** What decides while the adapter fails: everything passes, nothing passes, or this process counts alone. Defaults to `'local'`. */
  readonly failure?: 'open' | 'closed' | 'local'
  /** How long a decision may take, in milliseconds. Defaults to the adapter's own. */
  readonly timeoutMs?: number
}

type OnePolicy = Omit<PolicyOptions, 'name'> & { readonly policies?: never }

type SeveralPolicies = { readonly [Option in keyof Omit<PolicyOptions, 'name'>]?: never } & {
  /** Policies that are decided together, all or nothing. */
  readonly policies: readonly PolicyOptions[]
}

export interface ConsumeOptions extends CallOptions {
  /** What the call costs: a number for all policies, or by policy name, where one left out is charged 1. Defaults to 1. */
  readonly cost?: Cost
}

export interface RateLimiter {
  readonly name: string
  readonly policies: readonly Policy[]
  readonly adapter: Adapter

  /**
   * Takes `cost` units from the quota of `key`, if that many are left in every policy. One round trip. A refused call costs nothing.
   *
   * @param key Whose quota this is: a user id, an API key, a client address
   * @returns Whether the call may proceed, and in how many milliseconds the same call would. While the adapter fails, the failure
   *   policy's answer.
   * @throws {TypeError | RangeError} when the key is no string, or the cost no whole number from 0 on
   */
  consume(key: string, options?: ConsumeOptions): Promise<Decision>

  /** The decision that `consume` would give; nothing is charged, nothing is created. */
  peek(key: string, options?: ConsumeOptions): Promise<Decision>

  /**
   * Forgets what `key` has used.
   *
   * @throws {AdapterError} when the adapter fails
   */
  reset(key: string, options?: CallOptions): Promise<void>
}

/** How soon a client may ask again when nobody can decide, and the adapter does not say when it tries again. */
const NEXT_PROBE_MS = 1_000

/**
 * Limits how often a client may ask, without HTTP: for resolvers, sockets and workers.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range, or when a limiter of the same name on this
 *   adapter has other policies
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { adapter, name = 'default', failure = 'local', timeoutMs } = options
  if (typeof adapter !== 'object' || adapter === null || typeof adapter.run !== 'function') {
    throw new TypeError('adapter is missing: give memoryAdapter() or redisAdapter({ url })')
  }
  if (typeof name !== 'string') throw new TypeError(`name must be a string, got ${shown(name)}`)
  if (!FAILURES.includes(failure)) throw new RangeError(`failure must be one of ${FAILURES.join(', ')}, got ${shown(failure)}`)
  const policies = definePolicies(policyOptions(options, name))
  registerPolicies(adapter, name, policies)
  const settings = timeoutMs === undefined ? {} : { timeoutMs }
  let local: Adapter | undefined

  async function decide(key: string, { cost = 1, ...call }: ConsumeOptions, charge: boolean): Promise<Decision> {
    if (typeof key !== 'string') throw new TypeError(`key must be a string, got ${shown(key)}`)
    const args = { policies, costs: costsOf(cost, policies), charge }
    const subject = subjectKey('rate-limit', name, key)
    try {
      const result = await adapter.run(consumeOperation, subject, args, { ...settings, ...call })
      return announce(name, key, decisionOf(policies, result, 'adapter'))
    } catch (error) {
      if (!isAdapterError(error)) throw error
      return announce(name, key, await decideWithout(subject, args, error), error)
    }
  }

  async function decideWithout(
    subject: string,
    args: Parameters<typeof consumeOperation.encode>[0],
    failed: Error,
  ): Promise<Decision> {
    if (failure === 'open') return OPEN
    if (failure === 'closed') return closed(failed)
    local ??= memoryAdapter({ now: adapter.now })
    try {
      return decisionOf(policies, await local.run(consumeOperation, subject, args), 'local')
    } catch (error) {
      if (!isAdapterError(error)) throw error
      return OPEN
    }
  }

  return {
    name,
    policies,
    adapter,
    consume: (key, options = {}) => decide(key, options, true),
    peek: (key, options = {}) => decide(key, options, false),
    async reset(key, options = {}) {
      const subject = subjectKey('rate-limit', name, key)
      await local?.run(resetOperation, subject, { policies })
      await adapter.run(resetOperation, subject, { policies }, { ...settings, ...options })
    },
  }
}

function decisionOf(policies: readonly Policy[], { allowed, quotas }: ConsumeResult, source: DecisionSource): Decision {
  const violated: string[] = []
  let retryAfterMs = 0
  const decided = policies.map(({ name, limit }, index) => {
    const { remaining = 0, nextMs = 0, fullMs = 0, retryMs = 0 } = quotas[index] ?? {}
    const refused = retryMs !== 0
    if (refused) violated.push(name)
    retryAfterMs = Math.max(retryAfterMs, retryMs < 0 ? Number.POSITIVE_INFINITY : retryMs)
    return { name, limit, remaining, nextMs, fullMs, violated: refused }
  })
  return { allowed, retryAfterMs, violated, policies: decided, source }
}

function policyOptions(options: RateLimiterOptions, name: string): readonly PolicyOptions[] {
  const { adapter: _adapter, name: _name, failure: _failure, timeoutMs: _timeoutMs, ...rest } = options
  if (rest.policies === undefined) {
    const { policies: _policies, ...policy } = rest
    return [{ ...policy, name }]
  }
  const { policies, ...unknown } = rest
  checkNothingUnknown('options with policies', unknown)
  return policies
}

const FAILURES = ['open', 'closed', 'local']

const OPEN: Decision = { allowed: true, retryAfterMs: 0, violated: [], policies: [], source: 'open' }

function closed(failed: Error): Decision {
  const known = 'retryAfterMs' in failed && typeof failed.retryAfterMs === 'number' ? failed.retryAfterMs : NEXT_PROBE_MS
  return { allowed: false, retryAfterMs: Math.max(1, Math.ceil(known)), violated: [], policies: [], source: 'closed' }
}
