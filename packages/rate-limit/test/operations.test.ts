import { operationContract } from '@holdfast/adapter/conformance'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, it } from '@jest/globals'
import fc from 'fast-check'
import { consume } from '../src/operations/consume.ts'
import { reset } from '../src/operations/reset.ts'
import { definePolicies } from '../src/policy.ts'

const log = { name: 'log', windowMs: 1_000, algorithm: 'sliding-window-log' } as const
const fixed = { name: 'fixed', windowMs: 700, algorithm: 'fixed-window' } as const
const clock = { name: 'clock', windowMs: 1_000, algorithm: 'fixed-window', anchor: 'clock' } as const

const counter = { name: 'counter', windowMs: 700, algorithm: 'sliding-window-counter' } as const
const bucket = { name: 'bucket', windowMs: 1_000, refill: 3, algorithm: 'token-bucket' } as const

const limits = fc.constantFrom(0, 1, 2, 5, 20, 20, 100)
const costs = fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: fc.nat(6) }, fc.constant(21))

/** One to five policies, so that calls of one subject meet the same fields with other limits beside them. */
const calls = fc.record({
  policies: fc
    .tuple(fc.subarray([log, fixed, clock, bucket, counter], { minLength: 1 }), fc.tuple(limits, limits, limits, limits, limits))
    .map(([chosen, given]) => definePolicies(chosen.map((policy, index) => ({ ...policy, limit: given[index] ?? 1 })))),
  costs: fc.array(costs, { minLength: 5, maxLength: 5 }),
  charge: fc.constantFrom(true, true, true, false),
})
const one = calls.map((call) => ({ ...call, policies: definePolicies([{ ...log, limit: 20 }]) }))
const huge = fc.constantFrom(2 ** 52, 2 ** 53 - 1, 1, 7).map((cost) => ({
  policies: definePolicies([{ ...log, limit: 2 ** 53 - 1 }]),
  costs: [cost],
  charge: true,
}))

const counted = calls.map((call) => ({ ...call, policies: definePolicies([{ ...counter, limit: 20 }]) }))
const filled = calls.map((call) => ({ ...call, policies: definePolicies([{ ...bucket, limit: 20 }]) }))

const all = definePolicies([log, fixed, clock, bucket, counter].map((policy) => ({ ...policy, limit: 1 })))

eachAdapter((makeAdapter) => {
  const contracts = {
    'several policies': [[consume, calls] as const, [reset, fc.constant({ policies: all })] as const],
    'a log of one limit': [[consume, one] as const],
    'a counter of one limit': [[consume, counted] as const],
    'a bucket of one limit': [[consume, filled] as const],
    'costs up to the largest integer': [[consume, huge] as const],
  }
  for (const [what, operations] of Object.entries(contracts)) {
    describe(what, () => {
      for (const { name, run } of operationContract({ operations, makeAdapter, numRuns: 150 })) it(name, run)
    })
  }
})
