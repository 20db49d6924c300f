import { redisAdapter } from '@holdfast/adapter/redis'
import { createRateLimiter, type PolicyOptions } from '@holdfast/rate-limit'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { expect, it } from '@jest/globals'

it('limits by both versions of a policy while both are deployed, and by those that are the same in common', async () => {
  const prefix = ownPrefix()
  const common: PolicyOptions = { name: 'common', limit: 5, windowMs: 60_000, algorithm: 'token-bucket', refill: 1 }
  function version(changed: PolicyOptions) {
    const adapter = redisAdapter({ url: sharedRedisUrl(), prefix })
    return { adapter, limiter: createRateLimiter({ adapter, policies: [common, changed] }) }
  }
  const before = version({ name: 'changed', limit: 2, windowMs: 60_000 })
  const after = version({ name: 'changed', limit: 2, windowMs: 90_000, algorithm: 'fixed-window' })
  const decisions: unknown[] = []
  for (let turn = 0; turn < 4; turn += 1) {
    for (const { limiter } of [before, after]) {
      const { allowed, policies } = await limiter.consume('key', { cost: { common: 1, changed: 1 } })
      decisions.push([allowed, ...policies.map(({ remaining }) => remaining)])
    }
  }
  expect(decisions).toEqual([
    [true, 4, 1],
    [true, 3, 1],
    [true, 2, 0],
    [true, 1, 0],
    [false, 1, 0],
    [false, 1, 0],
    [false, 1, 0],
    [false, 1, 0],
  ])
  await Promise.all([before, after].map(({ adapter }) => adapter.close()))
})
