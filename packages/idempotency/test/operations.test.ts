import { operationContract } from '@holdfast/adapter/conformance'
import { eachAdapter } from '@holdfast/test/adapters'
import { it } from '@jest/globals'
import fc from 'fast-check'
import { begin } from '../src/operations/begin.ts'
import { cancel } from '../src/operations/cancel.ts'
import { commit } from '../src/operations/commit.ts'
import { renew } from '../src/operations/renew.ts'

const tokens = fc.constantFrom('ann', 'bob')
const fingerprints = fc.constantFrom('one', 'other')
const leases = fc.constantFrom(1, 50, 1_000)
const keeps = fc.constantFrom(500, 20_000) // another process may keep less than a lease of this
const runs = {
  token: tokens,
  attempt: fc.constantFrom(1, 2),
  fence: fc.constantFrom(1, 1_700_000_000_000_001),
  fingerprint: fingerprints,
  keepMs: keeps,
}

const operations = [
  [
    begin,
    fc.record({
      token: tokens,
      fingerprint: fingerprints,
      leaseMs: leases,
      keepMs: keeps,
      address: fc.constantFrom('', 'inbox', 'inbox2'),
    }),
  ],
  [renew, fc.record({ ...runs, leaseMs: leases })],
  [
    commit,
    fc.record({
      ...runs,
      outcome: fc.constantFrom('answer', 'thrown', 'too-large', 'unreplayable'),
      bytes: fc.constantFrom(Buffer.from('short'), Buffer.from([0, 255, 10, 13]), Buffer.alloc(0)),
      held: fc.boolean(),
      wake: fc.constant('run'),
    }),
  ],
  [cancel, fc.record({ token: fc.constantFrom('', 'ann', 'bob'), keepMs: keeps, wake: fc.constant('run') })],
] as const

eachAdapter((makeAdapter) => {
  for (const { name, run } of operationContract({ operations, makeAdapter, numRuns: 100 })) it(name, run, 60_000)
})
