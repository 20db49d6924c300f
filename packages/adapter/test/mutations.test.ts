import type { Operation } from '@holdfast/adapter'
import { operationContract } from '@holdfast/adapter/conformance'
import { redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { acquire, page, quota, release, ring } from './sample-operations.ts'

const owners = fc.constantFrom('ann', 'bob')
const leases = fc.record({ owner: owners, leaseMs: fc.constantFrom(1, 50, 1_000) })
const pages = fc.record({ text: fc.constantFrom('x', 'a longer text'), ttlMs: fc.constantFrom(0, 1, 50, 2_000) })
const hits = fc.record({ cost: fc.nat(3), note: fc.constantFrom('', 'note') })
const samples = {
  acquire: [acquire, leases],
  release: [release, fc.record({ owner: owners })],
  quota: [quota, hits],
  ring: [ring, fc.record({ item: fc.constantFrom('x', 'y') })],
  page: [page, pages],
} as const

type Name = keyof typeof samples
type AnyOperation = Operation<unknown, unknown, unknown>

/** The cases of the contract for these operations, where one of them may have been changed. */
function contract(names: readonly Name[], change: (operation: AnyOperation) => AnyOperation = (operation) => operation) {
  return operationContract({
    operations: names.map((name) => [change(samples[name][0]), samples[name][1]] as const),
    makeAdapter: (now) => redisAdapter({ url: sharedRedisUrl(), prefix: ownPrefix(), now }),
    numRuns: 300,
    endOnFailure: true,
  })
}

describe('operations without a bug pass', () => {
  const together: Name[][] = [['acquire', 'release'], ['quota'], ['ring'], ['page']]
  for (const { name, run } of together.flatMap((names) => contract(names))) it(name, run)
})

/** What is wrong, the operations that see it, and the Lua that is replaced. */
const bugs: [what: string, names: readonly Name[], right: string, wrong: string][] = [
  [
    'a lease is held past its end',
    ['acquire', 'release'],
    "read('owner', 'fence')",
    "unpack(redis.call('HMGET', key, 'owner', 'fence'))",
  ],
  ['a window ends a millisecond late', ['quota'], 'start + 1000 <= now', 'start + 1000 < now'],
  ['a window ends a millisecond early', ['quota'], 'start + 1000 <= now', 'start + 999 <= now'],
  ['a state is kept a millisecond too long', ['acquire'], 'write(lease, ', 'write(lease + 1, '],
  ['a state is left without an end', ['acquire'], 'write(lease, ', "redis.call('HSET', key, '$', 1e15, "],
  ['a further key is left without an end', ['ring'], 'write(1000, ', 'local _ = select(1, '],
  ['anybody can release a lease', ['acquire', 'release'], 'holder == owner', 'holder'],
  ['a lease can be taken from its holder', ['acquire'], 'holder ~= owner', 'false'],
  ['one more than the limit passes', ['quota'], 'used + cost <= 5', 'used + cost <= 6'],
  [
    'a refused call is charged',
    ['quota'],
    'if not allowed then return',
    'if not allowed then used = used + cost end if false then return',
  ],
  ['fields of the state before stay', ['quota'], 'write(start', 'update(start'],
  ['a value is kept that should go', ['page'], 'delete_value()', 'local _ = 1'],
  ['a value goes with its state', ['page'], 'delete()\n', 'delete() delete_value()\n'],
  ['a value is kept a millisecond too long', ['page'], 'write_value(ttl,', 'write_value(ttl + 1,'],
  ['a value is left without an end', ['page'], 'write_value(ttl, text)', "redis.call('SET', value_key, text)"],
  ['a message is not sent', ['acquire', 'release'], "publish('leases', owner)", ''],
  [
    'a message is sent twice',
    ['acquire', 'release'],
    "publish('leases', owner)",
    "publish('leases', owner) publish('leases', owner)",
  ],
  ['a result is a fraction', ['quota'], 'return { 1, used', 'return { 1, used / 2'],
  ['a result ends at a nil', ['acquire'], 'return { 0, tonumber(fence)', 'return { 0, nil, tonumber(fence)'],
  ['the time is the server’s, not the injected one', ['quota'], 'start = now', "start = tonumber(redis.call('TIME')[1]) * 1000"],
]

describe.each(bugs)('the bug that %s', (_what, names, right, wrong) => {
  it('is caught', async () => {
    const broken = contract(names, (operation) => ({ ...operation, lua: operation.lua.replaceAll(right, wrong) }))
    expect(names.some((name) => samples[name][0].lua.includes(right))).toBe(true)
    const failures = await Promise.all(
      broken.map(({ run }) =>
        run().then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    )
    expect(failures.filter((failure) => failure !== undefined)).not.toHaveLength(0)
  })
})

it('catches a result that is decoded wrongly', async () => {
  const [broken] = contract(['ring'], (operation) => ({
    ...operation,
    decode: (reply) => operation.decode([...reply, 1].reverse()),
  }))
  await expect(broken?.run()).rejects.toThrow('Property failed')
})
