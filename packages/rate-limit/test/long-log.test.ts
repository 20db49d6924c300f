import { memoryAdapter } from '@holdfast/adapter/memory'
import { fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter, type Receipt } from '@holdfast/rate-limit'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

const windowMs = 30
const waits = fc.oneof(
  { weight: 8, arbitrary: fc.nat(2) },
  { weight: 2, arbitrary: fc.nat(20) },
  fc.nat(40),
  fc.integer({ min: -40, max: 0 }),
)
const calls = fc.array(
  fc.record({
    waitMs: waits,
    cost: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 5 })),
    limit: fc.oneof({ weight: 30, arbitrary: fc.constant(60) }, fc.integer({ min: 1, max: 90 })),
    refund: fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, fc.nat(10)),
  }),
  { minLength: 400, maxLength: 400 },
)

eachAdapter((makeAdapter) => {
  describe('a log of hundreds of hits', () => {
    it('that has grown and gone round, and of which many are over at once, counts as it does in memory', async () => {
      const clock = fakeClock(Date.UTC(2025, 5, 1))
      const adapters = [memoryAdapter({ now: clock.now }), makeAdapter(clock.now)]
      let key = 0
      await fc.assert(
        fc.asyncProperty(calls, async (calls) => {
          key += 1
          const limiters = adapters.map((adapter) => createRateLimiter({ adapter, limit: 60, windowMs, denyCache: false }))
          const charged: Receipt[][] = []
          for (const { waitMs, cost, limit, refund } of calls) {
            clock.advance(waitMs)
            const decisions = await Promise.all(limiters.map((each) => each.consume(String(key), { cost, limit })))
            const [inMemory, elsewhere] = decisions.map((decision) => ({ ...decision, receipt: undefined }))
            expect(elsewhere).toEqual(inMemory)
            if (inMemory?.allowed) charged.unshift(decisions.flatMap(({ receipt }) => receipt ?? []))
            const receipts = refund === undefined ? [] : (charged.splice(refund, 1)[0] ?? [])
            const [refundedInMemory, refunded] = await Promise.all(receipts.map((receipt) => receipt.refund()))
            expect(refunded).toEqual(refundedInMemory)
          }
        }),
        { numRuns: 5, endOnFailure: true },
      )
    })
  })
})
