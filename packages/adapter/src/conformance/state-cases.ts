import assert from 'node:assert/strict'
import type { Operation } from '../operation.ts'
import { defineOperation } from '../operation.ts'
import type { ContractCase, MakeAdapter } from './contract.ts'
import { count, drop } from './counter.ts'
import { HOSTILE_KEYS } from './hostile-keys.ts'
import { caseOf } from './stage.ts'

export function stateCases(makeAdapter: MakeAdapter): ContractCase[] {
  return [
    caseOf(makeAdapter, '100 steps at once each see what the one before left', async ({ adapter, own }) => {
      const args = { by: 1, ttlMs: 60_000 }
      const totals = await Promise.all(Array.from({ length: 100 }, () => adapter.run(count, own('state'), args)))
      assert.deepEqual(
        totals.toSorted((a, b) => a - b),
        Array.from({ length: 100 }, (_, index) => index + 1),
      )
    }),
    caseOf(makeAdapter, 'steps at once each have their own arguments and result', async ({ adapter, own }) => {
      const counts = Array.from({ length: 200 }, (_, at) => ({ key: own(`{state}${at % 7}`), by: at % 3 }))
      const totals = await Promise.all(counts.map(({ key, by }) => adapter.run(count, key, { by, ttlMs: 60_000 })))
      const expected = new Map<string, number>()
      for (const [at, { key, by }] of counts.entries()) {
        expected.set(key, (expected.get(key) ?? 0) + by)
        assert.equal(totals[at], expected.get(key))
      }
    }),
    caseOf(makeAdapter, 'arguments, states and results of every shape come as they were', async ({ adapter, own }) => {
      const every = Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index))
      const shapes = [
        [],
        [''],
        ['', 'a', ''],
        [every],
        ['две', Buffer.alloc(0)],
        ['x'.repeat(2 ** 20)],
        Array<string>(3_000).fill('y'),
      ]
      let before: Buffer[] = []
      for (const parts of shapes) {
        const bytes = parts.map((part) => Buffer.from(part))
        const left = await adapter.run(exchange, own('state'), bytes, { timeoutMs: 5_000 })
        assert.ok(left.length === before.length && left.every((part, at) => part.equals(before[at] ?? Buffer.from('none'))))
        before = bytes
      }
    }),
    caseOf(makeAdapter, 'a state ends with its ttlMs, to the millisecond', async ({ adapter, own, pass, exact }) => {
      await adapter.run(count, own('state'), { by: 1, ttlMs: 50 })
      await pass(49)
      if (exact) assert.equal(await adapter.run(count, own('state'), { by: 1, ttlMs: 50 }), 2)
      await pass(50)
      assert.equal(await adapter.run(count, own('state'), { by: 1, ttlMs: 50 }), 1)
    }),
    caseOf(makeAdapter, 'a ttlMs that is over deletes the state', async ({ adapter, own }) => {
      for (const ttlMs of [0, -1]) {
        await adapter.run(count, own('state'), { by: 1, ttlMs: 60_000 })
        assert.equal(await adapter.run(count, own('state'), { by: 1, ttlMs }), 2)
        assert.equal(await adapter.run(count, own('state'), { by: 1, ttlMs }), 1)
      }
    }),
    caseOf(makeAdapter, 'a step that deletes leaves nothing', async ({ adapter, own }) => {
      const told = { channel: own('channel'), message: 'gone' }
      await adapter.run(count, own('state'), { by: 1, ttlMs: 60_000 })
      assert.equal(await adapter.run(drop, own('state'), told), true)
      assert.equal(await adapter.run(drop, own('state'), told), false)
    }),
    caseOf(makeAdapter, 'a state of raw bytes comes back as it was, and ends', async ({ adapter, own, pass, exact }) => {
      const first = Buffer.from([0, 255, 13, 10])
      assert.deepEqual(await adapter.run(swap, own('bytes'), { bytes: first, ttlMs: 50 }), Buffer.alloc(0))
      await pass(exact ? 49 : 0)
      assert.deepEqual(await adapter.run(swap, own('bytes'), { bytes: Buffer.alloc(0), ttlMs: 50 }), first)
      await pass(50)
      assert.deepEqual(await adapter.run(swap, own('bytes'), { bytes: first, ttlMs: -1 }), Buffer.alloc(0))
      assert.deepEqual(await adapter.run(swap, own('bytes'), { bytes: first, ttlMs: 50 }), Buffer.alloc(0))
    }),
    caseOf(makeAdapter, 'hostile keys have states of their own', async ({ adapter, own }) => {
      const keys = HOSTILE_KEYS.map((key) => key + own(''))
      const totals = await Promise.all(keys.map((key) => adapter.run(count, key, { by: 1, ttlMs: 60_000 })))
      assert.ok(totals.every((total) => total === 1))
    }),
    caseOf(makeAdapter, 'an operation whose keys are in two slots is refused', async ({ adapter, own }) => {
      await assert.rejects(adapter.run(acrossSlots, own('a'), undefined), { code: 'ERR_HOLDFAST_OPERATION' })
    }),
  ]
}

/** Keeps bytes, and gives back those that were kept before. */
const swap: Operation<Uint8Array, { bytes: Buffer; ttlMs: number }, Buffer> = defineOperation({
  name: 'contract.swap',
  state: 'string',
  step: (state, { bytes, ttlMs }) => ({
    result: Buffer.from(state ?? []),
    next: { state: Buffer.from(bytes), ttlMs },
  }),
  lua: `
    local bytes, ttl = ARGV[1], tonumber(ARGV[2])
    local before = read()
    write(ttl, bytes)
    return { before or '' }
  `,
  encode: ({ bytes, ttlMs }) => [bytes, ttlMs],
  decode: ([before]) => (typeof before === 'object' ? before : Buffer.alloc(0)),
})

/** Keeps parts, and gives back those that were kept before. */
const exchange: Operation<{ parts: Buffer[] }, Buffer[], Buffer[]> = defineOperation<{ parts: Buffer[] }, Buffer[], Buffer[]>({
  name: 'contract.exchange',
  step: (state, parts) => ({
    result: (state?.parts ?? []).map((part) => Buffer.from(part)),
    next: { state: { parts: parts.map((part) => Buffer.from(part)) }, ttlMs: 60_000 },
  }),
  lua: `
    local fields, parts, before = { 'count' }, { 'count', #ARGV }, {}
    local count = tonumber(read('count')) or 0
    for i = 1, count do fields[i + 1] = 'part' .. i end
    local kept = count > 0 and read_list(fields)
    for i = 1, count do before[i] = kept[i + 2] end
    for i = 1, #ARGV do
      parts[2 * i + 1], parts[2 * i + 2] = 'part' .. i, ARGV[i]
    end
    write(60000, unpack(parts))
    return before
  `,
  encode: (parts) => parts,
  decode: (reply) => reply.map((part) => Buffer.from(part as Buffer)), // it keeps nothing else
})

const acrossSlots: Operation<never, undefined, undefined> = defineOperation({
  name: 'contract.across-slots',
  step: () => ({ result: undefined }),
  lua: 'return {}',
  encode: () => [],
  decode: () => undefined,
  keys: (key) => [`${key}-further`],
})
