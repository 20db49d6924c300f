import { operationContract } from '@holdfast/adapter/conformance'
import { eachAdapter, type MakeAdapter } from '@holdfast/test/adapters'
import { describe, it } from '@jest/globals'
import fc from 'fast-check'
import { casAdapter } from './cas-adapter.ts'
import { acquire, page, quota, release, ring, text } from './sample-operations.ts'

const owners = fc.constantFrom('ann', 'bob')
const leases = fc.record({ owner: owners, leaseMs: fc.constantFrom(1, 50, 1_000) })
const pages = fc.record({ text: fc.constantFrom('x', 'a longer text'), ttlMs: fc.constantFrom(0, 1, 50, 2_000) })
const texts = fc.record({
  bytes: fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
  ttlMs: fc.constantFrom(0, 1, 50, 1_000),
})
const hits = fc.record({ cost: fc.nat(3), note: fc.constantFrom('', 'note') })

function contract(makeAdapter: MakeAdapter | typeof casAdapter): void {
  const together = [
    [acquire, leases],
    [release, fc.record({ owner: owners })],
  ] as const
  const items = fc.record({ item: fc.constantFrom('x', 'y') })
  const all = [together, [[quota, hits]], [[ring, items]], [[page, pages]], [[text, texts]]] as const
  for (const operations of all) {
    for (const { name, run } of operationContract({ operations, makeAdapter })) it(name, run)
  }
}

eachAdapter(contract)

describe('on an adapter that has nothing but compare-and-set', () => {
  contract(casAdapter)
})
