import { operationContract } from '@holdfast/adapter/conformance'
import { eachAdapter } from '@holdfast/test/adapters'
import { it } from '@jest/globals'
import fc from 'fast-check'
import { begin } from '../src/operations/begin.ts'
import { drop } from '../src/operations/drop.ts'
import { openClock } from '../src/operations/open-clock.ts'
import { purge } from '../src/operations/purge.ts'
import { purgedSince } from '../src/operations/purged-since.ts'
import { renew } from '../src/operations/renew.ts'
import { settle } from '../src/operations/settle.ts'
import { store } from '../src/operations/store.ts'

const tokens = fc.constantFrom('ann', 'bob')
const leases = fc.constantFrom(1, 50, 1_000)
const ids = fc.constantFrom('', 'x', 'y')
const copies = fc.constantFrom({ channel: 'copies', message: 'key' }, { channel: '', message: '' })

const loads = [
  [
    begin,
    fc.record({
      token: tokens,
      leaseMs: leases,
      seen: ids,
      waitedFor: fc.constantFrom('', 'ann', 'bob'),
      address: fc.constantFrom('', 'inbox', 'inbox2'),
    }),
  ],
  [
    store,
    fc
      .record({
        token: fc.constantFrom('', 'ann', 'bob', 'x', 'y'),
        id: fc.constantFrom('x', 'y'),
        bytes: fc.constantFrom(Buffer.from('short'), Buffer.from([0, 255, 10])),
        ttlMs: fc.constantFrom(0, 1, 50, 20_000),
        copies,
      })
      .map(({ copies: { channel, message }, ...args }) => ({ ...args, wake: 'load', channel, message })),
  ],
  [
    settle,
    fc.record({ token: tokens, outcome: fc.constantFrom('', 'undefined', '{"name":"Error"}'), wake: fc.constant('load') }),
  ],
  [renew, fc.record({ token: tokens, leaseMs: leases })],
  [drop, fc.constant({ wake: 'load', channel: 'copies', message: 'key' })],
] as const

const tags = fc.array(fc.constantFrom('a', 'b', 'ü "quoted"'), { minLength: 1, maxLength: 3 })
const epochs = fc.constantFrom('first', 'second')

const clocks = [
  [openClock, fc.record({ epoch: epochs })],
  [purge, fc.record({ tags, epoch: epochs, channel: fc.constant('purges'), most: fc.constantFrom(1, 4) })],
  [purgedSince, fc.record({ epoch: epochs, since: fc.nat(8), most: fc.constantFrom(1, 2, 100) })],
] as const

eachAdapter((makeAdapter) => {
  for (const operations of [loads, clocks]) {
    for (const { name, run } of operationContract({ operations, makeAdapter, numRuns: 60 })) it(name, run, 60_000)
  }
})
