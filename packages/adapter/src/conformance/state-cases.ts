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

const acrossSlots: Operation<never, undefined, undefined> = defineOperation({
  name: 'contract.across-slots',
  step: () => ({ result: undefined }),
  lua: 'return {}',
  encode: () => [],
  decode: () => undefined,
  keys: (key) => [`${key}-further`],
})
