import { readFileSync } from 'node:fs'
import { fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter } from '@holdfast/rate-limit'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'

interface Expected {
  allowed: boolean
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
  steps: { op: string; t: number; cost?: number; expect: Expected }[]
}

const { cases }: { cases: Case[] } = JSON.parse(readFileSync(new URL('vectors/rate-limit.json', import.meta.url), 'utf8'))

const ALGORITHMS = ['fixed-window', 'sliding-window-log', 'sliding-window-counter', 'token-bucket'] as const

/** The cases of the algorithms that there are. */
const covered = cases.filter(({ policies, steps }) =>
  [...policies.map(({ algorithm }) => algorithm), ...steps.map(({ op }) => op)].every((name) =>
    [...ALGORITHMS, 'consume', 'peek'].includes(name),
  ),
)

it('covers the cases of each algorithm', () => {
  expect(covered.map(({ id }) => id)).toEqual([
    'F1',
    'F2',
    'F3',
    'F8',
    'S1',
    'S2',
    'S5',
    'C1',
    'C3',
    'G1',
    'G2',
    'G5',
    'M1',
    'M2',
  ])
})

eachAdapter((makeAdapter) => {
  it.each(covered)('$id: $title', async ({ policies, steps }) => {
    const clock = fakeClock()
    const adapter = makeAdapter(clock.now)
    const limiter = createRateLimiter({
      adapter,
      policies: policies.map(({ algorithm, ...policy }) => ({
        ...policy,
        algorithm: ALGORITHMS.find((name) => name === algorithm) ?? 'fixed-window',
      })),
    })
    for (const { op, t, cost = 1, expect: expected } of steps) {
      clock.set(t)
      const decision = op === 'peek' ? await limiter.peek('key', { cost }) : await limiter.consume('key', { cost })
      expect({ t, ...summary(decision) }).toMatchObject({ t, ...normalised(expected) })
    }
    await adapter.close()
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

function normalised({ allowed, retryAfterMs = 0, violated = [], ...perPolicy }: Expected) {
  const lists = Object.entries(perPolicy).map(([name, value]) => [name, [value].flat()])
  return { allowed, retryAfterMs: retryAfterMs ?? Number.POSITIVE_INFINITY, violated, ...Object.fromEntries(lists) }
}
