import type { Arbitrary } from 'fast-check'
import type { Operation } from '../operation.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import type { ContractCase, MakeAdapter } from './contract.ts'
import { createDifferential } from './differential.ts'
import { type Move, movesOf } from './moves.ts'
import { START } from './stage.ts'

/** An operation, and what makes its arguments. */
export type OperationWithArguments = readonly [Operation<unknown, unknown, unknown>, Arbitrary<unknown>]

type Entries = readonly OperationWithArguments[]

export interface OperationContractOptions {
  readonly operations: Entries
  /** Makes the adapter that is compared with memory. It must go by the clock it is given. */
  readonly makeAdapter: MakeAdapter
  /** How many sequences are tried in each case. Defaults to 100. */
  readonly numRuns?: number
  /** Repeats the sequences of an earlier run. Defaults to a random one. */
  readonly seed?: number
  /** Whether a sequence that fails is told at once, and not first made as short as it can be. Defaults to false. */
  readonly endOnFailure?: boolean
}

/**
 * Whether operations do on an adapter what their `step` says, as cases for any test runner: one for each operation alone, and
 * one for all of them on the same keys.
 *
 * Each tries random sequences of calls and moves of the clock, on memory and on the adapter, and compares every result and
 * every message. The clock meets the ends of states exactly, a millisecond before and after, and steps back. Needs fast-check.
 */
export function operationContract({
  operations,
  makeAdapter,
  numRuns = 100,
  seed,
  endOnFailure = false,
}: OperationContractOptions): ContractCase[] {
  if (operations.length === 0) throw new TypeError('operationContract needs at least one operation')
  const alone = operations.map((entry) => ({ name: `${entry[0].name} does what its step says`, entries: [entry] }))
  const together = { name: 'all operations together do what their steps say', entries: operations }
  const cases = operations.length === 1 ? alone : [...alone, together]
  return cases.map(({ name, entries }) => ({ name, run: () => compare(entries) }))

  async function compare(entries: Entries): Promise<void> {
    const fc = await import('fast-check')
    const clock = fakeClock(START)
    const differential = await createDifferential(clock, makeAdapter)
    const steps = fc.array(stepsOf(fc, entries), { minLength: 1, maxLength: 30, size: 'max' })
    const property = fc.asyncProperty(steps, async (sequence) => {
      await differential.begin()
      for (const { move, key, entry, args } of sequence) {
        const chosen = entries[entry]
        if (chosen !== undefined) await differential.step(move, key, { operation: chosen[0], args })
      }
      await differential.end()
    })
    try {
      await fc.assert(property, { numRuns, endOnFailure, ...(seed === undefined ? {} : { seed }) })
    } finally {
      await differential.close()
    }
  }
}

interface Step {
  readonly move: Move
  readonly key: 'a' | 'b'
  /** Which of the operations: its place in the list, so that a counterexample is short. */
  readonly entry: number
  readonly args: unknown
}

function stepsOf(fc: typeof import('fast-check'), entries: Entries): Arbitrary<Step> {
  const calls = entries.map(([, args], entry) => fc.record({ entry: fc.constant(entry), args }))
  // Mostly one key: states have to build up.
  const subjects = fc.record({ move: movesOf(fc), key: fc.constantFrom('a', 'a', 'a', 'b') })
  return fc.tuple(subjects, fc.oneof(...calls)).map(([subject, call]) => ({ ...subject, ...call }))
}
