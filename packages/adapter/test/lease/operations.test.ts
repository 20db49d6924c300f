import type { Operation } from '@holdfast/adapter'
import { operationContract } from '@holdfast/adapter/conformance'
import { acquire, extend, release } from '@holdfast/adapter/lease'
import { redisAdapter } from '@holdfast/adapter/redis'
import { eachAdapter, type MakeAdapter } from '@holdfast/test/adapters'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

const tokens = fc.constantFrom('ann', 'bob', 'cid')
const leases = fc.constantFrom(1, 700, 3_000)
const asked = fc.record({
  token: tokens,
  leaseMs: leases,
  permits: fc.constantFrom(1, 1, 2),
  wait: fc.boolean(),
  address: fc.constantFrom('', 'inbox'),
})
const samples = {
  acquire: [acquire, asked],
  extend: [extend, fc.record({ token: tokens, leaseMs: leases })],
  release: [release, fc.record({ token: tokens })],
} as const

type AnyOperation = Operation<unknown, unknown, unknown>

/** All three on the same subjects, where one may have been changed. */
function together(makeAdapter: MakeAdapter, change: (operation: AnyOperation) => AnyOperation = (operation) => operation) {
  const operations = Object.values(samples).map(([operation, args]) => [change(operation), args] as const)
  return operationContract({ operations, makeAdapter, numRuns: 200 }).slice(-1)
}

eachAdapter((makeAdapter) => {
  for (const { name, run } of together(makeAdapter)) it(name, run)
})

/** What is wrong, and the Lua that is replaced, in whichever of the three it stands. */
const bugs: [what: string, right: string, wrong: string][] = [
  ['a lease is held past its end', 'if ends > now then holders', 'if ends >= now then holders'],
  ['a dead waiter keeps its place', 'if ends > now then waiters', 'if true then waiters'],
  ['whoever comes last is served first', 'or #waiters + 1', 'or 1'],
  ['one more than the permits is let in', 'if place <= permits - #holders', 'if place <= permits - #holders + 1'],
  [
    'anybody can extend a lease',
    'local own = holders[position_of(token, holders)]\n    if not own',
    'local own = holders[1]\n    if not own',
  ],
  ['nobody is told that a turn has come', 'publish(waiter.address, waiter.token)', ''],
  ['one is told again and again', "waiter.address, waiter.ends, told = '', ", 'waiter.ends, told = '],
  ['a fence comes twice', 'math.max(stored + 1, micros)', 'math.max(stored, micros)'],
  ['a claim has no end', 'now + 1000, true', 'now + 5000, true'],
  ['a release leaves its place in line', 'if waited then table.remove(waiters, waited) end', ''],
  ['a lease that was renewed ends as before', 'own.ends, own.lease = now + lease, lease', ''],
]

describe.each(bugs)('the bug that %s', (_what, right, wrong) => {
  it('is caught', async () => {
    expect(Object.values(samples).some(([{ lua }]) => lua.includes(right))).toBe(true)
    const makeAdapter: MakeAdapter = (now) => redisAdapter({ url: sharedRedisUrl(), prefix: ownPrefix(), ...(now && { now }) })
    const [broken] = together(makeAdapter, (operation) => ({ ...operation, lua: operation.lua.replaceAll(right, wrong) }))
    await expect(broken?.run()).rejects.toThrow('Property failed')
  })
})
