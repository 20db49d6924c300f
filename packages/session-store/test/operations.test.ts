import { operationContract } from '@holdfast/adapter/conformance'
import { fakeClock } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { read } from '../src/operations/read.ts'
import { touch } from '../src/operations/touch.ts'
import { list } from '../src/operations/users/list.ts'
import { logOut } from '../src/operations/users/log-out.ts'
import { see } from '../src/operations/users/see.ts'
import { unlist } from '../src/operations/users/unlist.ts'
import { sha1Of, write } from '../src/operations/write.ts'

const START = Date.UTC(2024, 1, 29)

const records = [
  '{"cookie":{"originalMaxAge":700,"expires":"2024-02-29T00:00:00.000Z"},"n":1}',
  '{"cookie":{"originalMaxAge":null,"expires":null},"list":[]}',
  '{"cookie":{"originalMaxAge":-1}}',
  '{"cookie":{"originalMaxAge":0},"cookie2":{"originalMaxAge":5}}',
  '{"cookie":{"originalMaxAge":50}}',
  '{"cookie":{"originalMaxAge":1e300},"n":1}',
  '{"cookie":{"originalMaxAge":99999999999999999999999}}',
  '{"n":1,"cookie":{"path":"/","originalMaxAge":333.7}}',
  '{"text":"\\"cookie\\":{\\"originalMaxAge\\":3}","cookie":{"originalMaxAge":"9"}}',
  `{"n":1,"_expire":${START + 700},"_maxAge":700}`,
  `{"_expire":5,"nested":{"_expire":1,"_maxAge":2},"_expire":${START + 50},"_maxAge":50}`,
  '{"n":1,"_session":true}',
  '{"n":1,"_expire":1,"_maxAge":0}',
  'holdfast:1:700:\u0000\u00ff\n}',
  'holdfast:1:0:x',
  'not json {"_expire":3,"_maxAge":9}',
  '["cookie"]',
  '"text"',
  'null',
  '',
].map((text) => Buffer.from(text))

const bytes = fc.constantFrom(...records)
const sliding = fc.record({
  defaultMs: fc.constantFrom(1, 300, 1_000),
  afterMs: fc.constantFrom(-1, 0, 0, 1, 50, 700),
  by: fc.constantFrom('cookie' as const, 'maxAge' as const),
})
const when = fc.oneof(
  fc.constantFrom('absent' as const, 'present' as const, 'any' as const),
  bytes.map((each) => ({ sha1: sha1Of(each) })),
)
const texts = fc.oneof(
  bytes.map((each) => each.toString()),
  fc.constant('"half a \ud83d pair"'),
)
const writes = fc.record({
  bytes: fc.oneof(bytes, texts),
  when,
  ttlMs: fc.constantFrom(-1, 0, 1, 50, 300, 1_000),
  tells: fc.boolean(),
})

const names = fc.constantFrom('a', 'b', 'c', 'd', 'ä %s')
const sightings = fc.record({
  name: names,
  epoch: fc.constantFrom(0, 0, START, START + 1, START + 60_000),
  ttlMs: fc.constantFrom(1, 50, 700),
  created: fc.constantFrom(START - 1, START, START + 7),
  note: fc.constantFrom(undefined, undefined, '"note"', '{"a b":\n1}'),
  joins: fc.boolean(),
  begins: fc.boolean(),
  plain: fc.boolean(),
  max: fc.constantFrom(0, 1, 2, 3),
  onMax: fc.constantFrom('evict-oldest' as const, 'reject' as const),
})
const logOuts = fc.record({
  except: fc.oneof(names, fc.constant('')),
  ttlMs: fc.constant(50),
  keepMs: fc.constantFrom(300, 1_000),
})

eachAdapter((makeAdapter) => {
  const contracts = {
    'one session': [
      [read, sliding] as const,
      [read, sliding] as const,
      [write, writes] as const,
      [write, writes] as const,
      [touch, fc.record({ ttlMs: fc.constantFrom(0, 1, 50, 700) })] as const,
    ],
    'the sessions of a user': [
      [see, sightings] as const,
      [see, sightings] as const,
      [list, fc.constant(undefined)] as const,
      [logOut, logOuts] as const,
      [unlist, fc.record({ names: fc.array(names, { maxLength: 2 }), deadMs: fc.constantFrom(0, 1, 500, 60_000) })] as const,
    ],
  }
  it('looks at all sessions of a user only as their number doubles, where there may be any number', async () => {
    const clock = fakeClock(START)
    const adapter = makeAdapter(clock.now)
    const args = {
      epoch: 0,
      created: START,
      note: undefined,
      joins: true,
      begins: true,
      plain: false,
      max: 0,
      onMax: 'evict-oldest' as const,
    }
    /** Those that have ended and were not looked at since are counted as well: stepping back shows them. */
    async function listedAfter(name: string): Promise<number> {
      await adapter.run(see, 'a', { ...args, name, ttlMs: 60_000 })
      clock.advance(-50)
      const listed = await adapter.run(list, 'a', undefined)
      clock.advance(50)
      return listed.length
    }
    await adapter.run(see, 'a', { ...args, name: 'a', ttlMs: 60_000 })
    for (const name of ['b', 'c', 'd', 'e']) await adapter.run(see, 'a', { ...args, name, ttlMs: 50 })
    clock.advance(50)
    expect(await listedAfter('f')).toBe(6)
    expect([await listedAfter('g'), await listedAfter('h'), await listedAfter('i')]).toEqual([7, 8, 5])
  })

  it('knows the last hundred sessions that had to go, and no more', async () => {
    const adapter = makeAdapter()
    const args = { epoch: 0, ttlMs: 60_000, note: undefined, plain: false, max: 1, onMax: 'evict-oldest' as const }
    const seen = (n: number, joins: boolean) =>
      adapter.run(see, 'a', { ...args, name: `s${n}`, created: START + n, joins, begins: joins })
    for (let n = 0; n <= 102; n += 1) await seen(n, true)
    expect((await seen(1, false)).verdict).toBe('dead')
    expect((await seen(0, false)).verdict).toBe('alive')
  })

  for (const [what, operations] of Object.entries(contracts)) {
    describe(what, () => {
      for (const { name, run } of operationContract({ operations, makeAdapter, numRuns: 100 })) it(name, run)
    })
  }
})
