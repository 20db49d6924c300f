import { operationContract } from '@holdfast/adapter/conformance'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, it } from '@jest/globals'
import fc from 'fast-check'
import { block } from '../src/operations/block.ts'
import { consume } from '../src/operations/consume.ts'
import { reset } from '../src/operations/reset.ts'
import { NOT_CHARGED, settle } from '../src/operations/settle.ts'
import { unblock } from '../src/operations/unblock.ts'
import { definePolicies, type PolicyOptions } from '../src/policy.ts'

/** When the contract begins its sequences. */
const START = Date.UTC(2024, 1, 29)

const log = { name: 'log', windowMs: 1_000, limit: 20 } as const
const fixed = { name: 'fixed', windowMs: 700, limit: 20, algorithm: 'fixed-window' } as const
const clock = { name: 'clock', windowMs: 1_000, limit: 20, algorithm: 'fixed-window', anchor: 'clock' } as const
const counter = { name: 'counter', windowMs: 700, limit: 20, algorithm: 'sliding-window-counter' } as const
const bucket = { name: 'bucket', windowMs: 1_000, limit: 20, refill: 3, algorithm: 'token-bucket' } as const
const slots = { name: 'slots', leaseMs: 500, limit: 20, algorithm: 'concurrency' } as const
const every = [log, fixed, clock, bucket, counter, slots]

const limits = fc.constantFrom(0, 1, 2, 5, 20, 20, 100)
const costs = fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 2, arbitrary: fc.nat(6) }, fc.constant(21))
const tokens = fc.constantFrom('a', 'b', 'c')
const penalties = fc.constantFrom(undefined, undefined, { baseMs: 200, factor: 1.7, maxMs: 900 })
const told = { channel: 'freed', message: 'key' }

/** One to six policies, so that calls of one subject meet the same fields with other limits beside them. */
function chosenOf(from: readonly PolicyOptions[]) {
  return fc
    .tuple(fc.subarray([...from], { minLength: 1 }), fc.array(limits, { minLength: 6, maxLength: 6 }), fc.constantFrom(0, 0, 1))
    .map(([chosen, given, shadows]) =>
      definePolicies(chosen.map((each, index) => ({ ...each, limit: given[index] ?? 1, shadow: index < shadows }))),
    )
}

function callsOf(policies: fc.Arbitrary<ReturnType<typeof definePolicies>>) {
  return fc.record({
    policies,
    costs: fc.array(costs, { minLength: 6, maxLength: 6 }),
    charge: fc.constantFrom(true, true, true, false),
    token: tokens,
    remembers: fc.boolean(),
    penalty: penalties,
    keepMs: fc.constantFrom(0, 900),
  })
}

function settlementsOf(policies: fc.Arbitrary<ReturnType<typeof definePolicies>>) {
  // Most charges of a sequence are made within the first milliseconds of it, or a window later.
  const at = fc.oneof(fc.nat(3), fc.nat(2_500), fc.constantFrom(700, 1_000)).map((ms) => START + ms)
  const charge = fc.record({ at, mark: fc.constantFrom(0, 0, 0, 1, NOT_CHARGED) })
  return fc.record({
    policies,
    charged: fc.array(charge, { minLength: 6, maxLength: 6 }),
    units: fc.array(fc.constantFrom(-5, -1, -1, 0, 1, 3), { minLength: 6, maxLength: 6 }),
    token: tokens,
    channel: fc.constant(told.channel),
    message: fc.constant(told.message),
    keepMs: fc.constantFrom(0, 900),
  })
}

const calls = callsOf(chosenOf(every))
const settlements = settlementsOf(chosenOf(every))
const all = fc.constant(definePolicies(every))
const blocks = fc.record({
  policies: all,
  keepMs: fc.constantFrom(0, 900),
  durationMs: fc.constantFrom(1, 300, 2_000, { baseMs: 200, factor: 1.7, maxMs: 900 }),
})
const unblocks = fc.record({
  policies: all,
  keepMs: fc.constant(900),
  channel: fc.constant('freed'),
  message: fc.constant('key'),
})

const huge = fc.constantFrom(2 ** 52, 2 ** 53 - 1, 1, 7)
const largest = definePolicies([
  { ...log, limit: 2 ** 53 - 1 },
  { ...fixed, limit: 2 ** 53 - 1 },
  { ...counter, limit: 2 ** 42 },
  { ...bucket, limit: 2 ** 42 },
])
const hugeCalls = callsOf(fc.constant(largest)).chain((call) =>
  huge.map((cost) => ({ ...call, costs: [cost, cost, cost, cost] })),
)
const hugeSettlements = settlementsOf(fc.constant(largest)).chain((each) =>
  huge.map((units) => ({ ...each, units: [units, -units, units, units] })),
)

eachAdapter((makeAdapter) => {
  const contracts = {
    'several policies': [
      [consume, calls] as const,
      [consume, calls] as const,
      [settle, settlements] as const,
      [block, blocks] as const,
      [unblock, unblocks] as const,
      [reset, fc.constant({ policies: definePolicies(every), ...told })] as const,
    ],
    'costs up to the largest integer': [[consume, hugeCalls] as const, [settle, hugeSettlements] as const],
    ...Object.fromEntries(
      every.map((policy) => {
        const alone = fc.constant(definePolicies([policy]))
        return [policy.name, [[consume, callsOf(alone)] as const, [settle, settlementsOf(alone)] as const]]
      }),
    ),
  }
  for (const [what, operations] of Object.entries(contracts)) {
    describe(what, () => {
      for (const { name, run } of operationContract({ operations, makeAdapter, numRuns: 25 })) it(name, run)
    })
  }
})
