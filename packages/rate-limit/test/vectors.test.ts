import { readFileSync } from 'node:fs'
import { fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter, type Receipt } from '@holdfast/rate-limit'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'

interface Expected {
  allowed?: boolean
  remaining: number | number[]
  nextMs?: number | number[]
  fullMs?: number | number[]
  /** null stands for never. */
  retryAfterMs?: number | null
  violated?: string[]
}

interface Case {
  id: string
  title: string
  policies: { name: string; algorithm: string; limit: number; windowMs: number; anchor?: 'first' | 'clock'; refill?: number }[]
  steps: { op: string; t: number; cost?: number; id?: string; of?: string; expect: Expected }[]
}

const { cases }: { cases: Case[] } = JSON.parse(readFileSync(new URL('vectors/rate-limit.json', import.meta.url), 'utf8'))

const ALGORITHMS = ['fixed-window', 'sliding-window-log', 'sliding-window-counter', 'token-bucket'] as const

it('has all the cases', () => {
  expect(cases.map(({ id }) => id).join(' ')).toBe('F1 F2 F3 F5 F8 S1 S2 S5 C1 C3 G1 G2 G5 M1 M2')
})

eachAdapter((makeAdapter) => {
  it.each(cases)('$id: $title', async ({ policies, steps }) => {
    const clock = fakeClock()
    const adapter = makeAdapter(clock.now)
    const limiter = createRateLimiter({
      adapter,
      policies: policies.map(({ algorithm, ...policy }) => ({
        ...policy,
        algorithm: ALGORITHMS.find((name) => name === algorithm) ?? 'fixed-window',
      })),
    })
    const receipts = new Map<string | undefined, Receipt | undefined>()
    for (const { op, t, cost = 1, id, of, expect: expected } of steps) {
      clock.set(t)
      if (op === 'refund') expect(await receipts.get(of)?.refund()).toBe(true)
      const decision = op === 'consume' ? await limiter.consume('key', { cost }) : await limiter.peek('key', { cost })
      receipts.set(id, decision.receipt)
      expect({ t, ...summary(decision) }).toMatchObject({ t, ...normalised(expected) })
    }
  })
})

function summary({
  allowed,
  retryAfterMs,
  violated,
  policies,
}: Awaited<ReturnType<ReturnType<typeof createRateLimiter>['consume']>>) {
  return {
    allowed,
    retryAfterMs,
    violated,
    remaining: policies.map(({ remaining }) => remaining),
    nextMs: policies.map(({ nextMs }) => nextMs),
    fullMs: policies.map(({ fullMs }) => fullMs),
  }
}

function normalised({ allowed = true, retryAfterMs = 0, violated = [], ...perPolicy }: Expected) {
  const lists = Object.entries(perPolicy).map(([name, value]) => [name, [value].flat()])
  return { allowed, retryAfterMs: retryAfterMs ?? Number.POSITIVE_INFINITY, violated, ...Object.fromEntries(lists) }
}
