import type { Adapter } from '@holdfast/adapter'
import { fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter, type Receipt } from '@holdfast/rate-limit'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { modelled } from './models.ts'

const START = Date.UTC(2025, 5, 1)
const algorithms = ['sliding-window-log', 'sliding-window-counter', 'fixed-window', 'token-bucket'] as const

const policies = fc.record({ windowMs: fc.constantFrom(1, 5, 16, 40), refill: fc.integer({ min: 1, max: 4 }) })
const limits = fc.nat(6)
const calls = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ what: fc.constant('consume' as const), cost: fc.nat(4), limit: limits }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('peek' as const), cost: fc.nat(4), limit: limits }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('refund' as const), which: fc.nat(5) }) },
    {
      weight: 1,
      arbitrary: fc.record({ what: fc.constant('commit' as const), which: fc.nat(5), cost: fc.integer({ min: 1, max: 9 }) }),
    },
    { weight: 4, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.oneof(fc.nat(3), fc.nat(50)) }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('step back' as const), ms: fc.nat(60) }) },
  ),
  { minLength: 5, maxLength: 40 },
)

interface Charged {
  readonly receipt: Receipt
  readonly at: number
  readonly limit: number
  readonly cost: number
}

eachAdapter((makeAdapter) => {
  describe('decides as a model that tries every millisecond', () => {
    it.each(algorithms)('%s', async (algorithm) => {
      const clock = fakeClock(START)
      const adapter: Adapter = makeAdapter(clock.now)
      let sequence = 0
      await fc.assert(
        fc.asyncProperty(policies, calls, async ({ windowMs, refill }, calls) => {
          clock.set(START)
          sequence += 1
          const rate = algorithm === 'token-bucket' ? { windowMs, refill } : { windowMs }
          const limiter = createRateLimiter({ adapter, name: `${algorithm} ${sequence}`, limit: 3, algorithm, ...rate })
          const model = modelled(algorithm, windowMs, refill)
          let charged: Charged[] = []
          for (const call of calls) {
            if (call.what === 'wait') clock.advance(call.ms)
            if (call.what === 'step back') {
              clock.advance(-call.ms)
              charged = [] // a log does not find again what it has moved
            }
            const now = clock.now()
            if (call.what === 'consume' || call.what === 'peek') {
              const { cost, limit } = call
              const retryAfterMs = model.wait(cost, limit, now)
              const allowed = retryAfterMs === 0
              if (allowed && call.what === 'consume' && cost > 0) model.charge(cost, now)
              const { receipt, ...decision } = await limiter[call.what]('key', { cost, limit })
              const remaining = model.remaining(limit, now)
              expect(decision).toMatchObject({ allowed, retryAfterMs, policies: [{ limit, remaining }] })
              if (receipt !== undefined && cost > 0) charged.push({ receipt, at: now, limit, cost })
            }
            if (call.what === 'refund' || call.what === 'commit') {
              const [each] = charged.splice(call.which, 1)
              if (each === undefined) continue
              const { receipt, at, limit, cost } = each
              const units = call.what === 'refund' ? -cost : call.cost - cost
              const counts = units === 0 || model.change(at, units, limit, now)
              expect(await (call.what === 'refund' ? receipt.refund() : receipt.commit(call.cost))).toBe(counts)
            }
          }
        }),
        { numRuns: 150 },
      )
    })
  })
})
