import {
  type Adapter,
  AdapterFullError,
  type CallOptions,
  isAdapterError,
  mayHaveRun,
  perAdapter,
  subjectKey,
} from '@holdfast/adapter'
import { newToken } from '@holdfast/adapter/lease'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { checkedString, checkKnown } from '@holdfast/adapter/options'
import { costsOf, type Limit, policiesWithin } from './cost.ts'
import type { Decision } from './decision.ts'
import { denyCacheOf } from './deny-cache.ts'
import { announce } from './events.ts'
import { createGiveBack } from './give-back.ts'
import { block } from './operations/block.ts'
import { type ConsumeArgs, type ConsumeResult, consume } from './operations/consume.ts'
import { reset } from './operations/reset.ts'
import { unblock } from './operations/unblock.ts'
import { checkedOptions, type RateLimiterOptions } from './options.ts'
import { checkedMs, type Policy } from './policy.ts'
import type { ConsumeOptions, RateLimiter } from './rate-limiter.ts'
import { ChargeReceipt, type Ledger } from './receipt.ts'
import { registerPolicies } from './registry.ts'
import { createSlots } from './slots.ts'
import { closedBy, OPEN, refusalOf, verdict } from './verdict.ts'

/**
 * Limits how often a client may ask, without HTTP: for resolvers, sockets and workers.
 *
 * @throws {TypeError | RangeError} when an option is missing, unknown or out of range, or when a limiter of the same name on this
 *   adapter has other policies
 */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { adapter, name, failure, call, denyCache, penalty, policies } = checkedOptions(options)
  registerPolicies(adapter, name, { policies, penalty })
  const channel = `rate-limit:${name}`
  const keepMs = penalty?.maxMs ?? 0
  const denials = denyCache ? denyCacheOf(adapter, channel) : undefined
  const leases = policies.filter(({ algorithm }) => algorithm === 'concurrency').map(({ windowMs }) => windowMs)
  const slots = createSlots(Math.min(...leases))
  const owe = createGiveBack(channel, Math.max(...leases), call)
  const ones = policies.map(() => 1)
  const withLimits = new Map<number | string, readonly Policy[]>()

  const ledger: Ledger = {
    name,
    channel,
    keepMs,
    call,
    changed: (key) => denials?.forget(key),
    holds: leases.length > 0,
    hold: slots.hold,
    owe,
  }

  function subjectOf(key: string): string {
    return subjectKey('rate-limit', name, checkedString('key', key))
  }

  /** The same list for the same limits: what the deny cache knows is about that list. */
  function policiesFor(limit: Limit): readonly Policy[] {
    const id = typeof limit === 'number' ? limit : JSON.stringify(limit)
    const known = typeof limit === 'string' ? undefined : withLimits.get(id)
    if (known !== undefined) return known
    const created = policiesWithin(limit, policies)
    if (withLimits.size >= MOST_LIMITS) withLimits.clear()
    withLimits.set(id, created)
    return created
  }

  async function decide(key: string, options: ConsumeOptions, charge: boolean): Promise<Decision> {
    checkKnown('a call', options, CALL_OPTIONS)
    const { cost = 1, limit, timeoutMs = call.timeoutMs, signal } = options
    const within = limit === undefined ? policies : policiesFor(limit)
    const costs = cost === 1 ? ones : costsOf(cost, within)
    const known = charge && typeof key === 'string' ? denials?.find(key, within, costs) : undefined
    if (known !== undefined) return announce(name, key, known)
    const subject = subjectOf(key)
    const token = leases.length === 0 ? '' : nextToken()
    const args = { policies: within, costs, charge, token, remembers: denials !== undefined, penalty, keepMs }
    const asked = denials?.ask()
    try {
      const callOptions = timeoutMs === undefined && signal === undefined ? undefined : optionsOf(timeoutMs, signal)
      const result = await adapter.run(consume, subject, args, callOptions)
      const decision = concluded(key, subject, args, result, adapter)
      if (charge && decision.allowed) denials?.forget(key)
      else if (charge && asked !== undefined) {
        const refusal = refusalOf(subject, args, result, decision)
        if (refusal !== undefined) denials?.remember(key, asked, refusal)
      }
      return announce(name, key, decision)
    } catch (error) {
      if (ledger.holds && charge && (signal?.aborted || mayHaveRun(error))) owe({ adapter, key, subject, args })
      if (!isAdapterError(error)) throw error
      return announce(name, key, await decideWithout(key, subject, args, error), error)
    }
  }

  async function decideWithout(key: string, subject: string, args: ConsumeArgs, failed: Error): Promise<Decision> {
    if (failure === 'closed') return closedBy(failed)
    if (failure === 'open' || failed instanceof AdapterFullError) return OPEN // this process has no more room elsewhere
    const local = localOf(adapter)
    try {
      return concluded(key, subject, args, await local.run(consume, subject, args), local)
    } catch (error) {
      if (!isAdapterError(error)) throw error
      return OPEN
    }
  }

  /** The decision, with a receipt when something was charged. */
  function concluded(key: string, subject: string, args: ConsumeArgs, result: ConsumeResult, by: Adapter): Decision {
    const source = by === adapter ? 'adapter' : 'local'
    const isCharged = args.charge && result.allowed
    const receipt = isCharged ? new ChargeReceipt(ledger, { adapter: by, key, subject, args, result }) : undefined
    return verdict(args.policies, result, source, receipt)
  }

  return {
    name,
    policies,
    adapter,
    consume: (key, options = {}) => decide(key, options, true),
    peek: (key, options = {}) => decide(key, options, false),

    async reset(key, options) {
      const subject = subjectOf(key)
      const args = { policies, channel, message: subject }
      denials?.forget(key)
      await localOf(adapter).run(reset, subject, args)
      await adapter.run(reset, subject, args, { ...call, ...options })
      denials?.forget(key)
    },

    async block(key, durationMs, options) {
      const subject = subjectOf(key)
      const lasts = durationMs === undefined ? penalty : checkedMs('durationMs', durationMs)
      if (lasts === undefined) throw new RangeError('block needs a durationMs: this limiter has no penalty')
      const args = { policies, keepMs, durationMs: lasts }
      try {
        return await adapter.run(block, subject, args, { ...call, ...options })
      } catch (error) {
        if (isAdapterError(error) && failure === 'local') await localOf(adapter).run(block, subject, args)
        throw error
      } finally {
        denials?.forget(key)
      }
    },

    async unblock(key, options) {
      const subject = subjectOf(key)
      const args = { policies, keepMs, channel, message: subject }
      denials?.forget(key)
      await localOf(adapter).run(unblock, subject, args)
      const unblocked = await adapter.run(unblock, subject, args, { ...call, ...options })
      denials?.forget(key)
      return unblocked
    },
  }
}

/** What decides in this process while an adapter fails: limiters of one name share their counts there as well. */
const localOf = perAdapter((adapter) => memoryAdapter({ now: adapter.now }))

function optionsOf(timeoutMs: number | undefined, signal: AbortSignal | undefined): CallOptions {
  return { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }
}

const CALL_OPTIONS = ['cost', 'limit', 'timeoutMs', 'signal']

/** How many other limits a limiter keeps ready. */
const MOST_LIMITS = 1_000

const ownToken = newToken()
let calls = 0

function nextToken(): string {
  calls += 1
  return `${ownToken}${calls.toString(36)}`
}
