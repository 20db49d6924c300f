import assert from 'node:assert/strict'
import { type ContractCase, hasCode, type MakeAdapter, WRONG_TYPE } from './contract.ts'
import { count } from './counter.ts'
import { HOSTILE_KEYS } from './hostile-keys.ts'
import { caseOf } from './stage.ts'

export function valueCases(makeAdapter: MakeAdapter): ContractCase[] {
  const values: [string, Uint8Array][] = [
    ['no bytes', new Uint8Array()],
    ['a zero and 0xff', new Uint8Array([0x00, 0xff])],
    ['every byte', Uint8Array.from({ length: 256 }, (_, index) => index)],
    ['a part of a larger buffer', Buffer.from('--middle--').subarray(2, 8)],
    ['16 MiB', new Uint8Array(16 * 2 ** 20).fill(0xa5)],
  ]
  const roundTrips = values.map(([name, bytes]) =>
    caseOf(makeAdapter, `a value of ${name} comes back as it was`, async ({ adapter, own }) => {
      await adapter.set(own('value'), bytes, 60_000, { timeoutMs: 5_000 })
      const read = await adapter.get(own('value'), { timeoutMs: 5_000 })
      assert.ok(read !== undefined && Buffer.compare(read, bytes) === 0)
    }),
  )
  return [
    ...roundTrips,
    caseOf(makeAdapter, 'a value ends with its ttlMs, to the millisecond', async ({ adapter, own, pass, exact }) => {
      await adapter.set(own('value'), bytesOf('a'), 50)
      await pass(49)
      if (exact) assert.deepEqual(textOf(await adapter.get(own('value'))), 'a')
      await pass(1)
      assert.equal(await adapter.get(own('value')), undefined)
    }),
    caseOf(makeAdapter, 'a ttlMs that is over keeps nothing, and drops what was there', async ({ adapter, own }) => {
      for (const ttlMs of [0, -1]) {
        await adapter.set(own('value'), bytesOf('a'), 60_000)
        await adapter.set(own('value'), bytesOf('b'), ttlMs)
        assert.equal(await adapter.get(own('value')), undefined)
      }
    }),
    caseOf(makeAdapter, 'a ttlMs that is no whole number is refused, and changes nothing', async ({ adapter, own }) => {
      await adapter.set(own('value'), bytesOf('a'), 60_000)
      for (const ttlMs of [Number.NaN, Number.POSITIVE_INFINITY, 1.5]) {
        await assert.rejects(adapter.set(own('value'), bytesOf('b'), ttlMs), RangeError)
      }
      assert.equal(textOf(await adapter.get(own('value'))), 'a')
    }),
    caseOf(makeAdapter, 'a value that is changed after it was set or read stays as it was', async ({ adapter, own }) => {
      const mine = bytesOf('abc')
      await adapter.set(own('value'), mine, 60_000)
      mine[0] = 0
      const read = await adapter.get(own('value'))
      if (read !== undefined) read[1] = 0
      assert.equal(textOf(await adapter.get(own('value'))), 'abc')
    }),
    caseOf(makeAdapter, 'a deleted value is gone, and deleting it again is no error', async ({ adapter, own }) => {
      await adapter.set(own('value'), bytesOf('a'), 60_000)
      await adapter.delete(own('value'))
      await adapter.delete(own('value'))
      assert.equal(await adapter.get(own('value')), undefined)
    }),
    caseOf(makeAdapter, 'getMany answers in the order of its keys', async ({ adapter, own }) => {
      await adapter.set(own('a'), bytesOf('1'), 60_000)
      await adapter.set(own('c'), bytesOf('3'), 60_000)
      await adapter.run(count, own('state'), { by: 1, ttlMs: 60_000 })
      const read = await adapter.getMany([own('c'), own('b'), own('a'), own('state'), own('c')])
      assert.deepEqual(read.map(textOf), ['3', undefined, '1', undefined, '3'])
      assert.deepEqual(await adapter.getMany([]), [])
    }),
    caseOf(makeAdapter, 'hostile keys are apart from each other', async ({ adapter, own }) => {
      const keys = HOSTILE_KEYS.map((key) => key + own(''))
      await Promise.all(keys.map((key, index) => adapter.set(key, bytesOf(String(index)), 60_000)))
      const read = await adapter.getMany(keys)
      assert.deepEqual(read.map(textOf), [...keys.keys()].map(String))
    }),
    caseOf(makeAdapter, 'a value is no state, and a state no value', async ({ adapter, own }) => {
      await adapter.set(own('value'), bytesOf('a'), 60_000)
      await adapter.run(count, own('state'), { by: 1, ttlMs: 60_000 })
      await assert.rejects(adapter.run(count, own('value'), { by: 1, ttlMs: 60_000 }), hasCode(WRONG_TYPE))
      await assert.rejects(adapter.get(own('state')), hasCode(WRONG_TYPE))
      await assert.rejects(adapter.set(own('state'), bytesOf('b'), 60_000), hasCode(WRONG_TYPE))
      await assert.rejects(adapter.delete(own('state')), hasCode(WRONG_TYPE))
      assert.equal(textOf(await adapter.get(own('value'))), 'a')
      assert.equal(await adapter.run(count, own('state'), { by: 1, ttlMs: 60_000 }), 2)
    }),
    caseOf(makeAdapter, 'scan shows every key that begins so, each once, and no other', async ({ adapter, own, pass }) => {
      const prefix = own('scan*[a]?\\')
      const keys = Array.from({ length: 1_200 }, (_, index) => `${prefix}${index}`)
      const others = [own('scan'), own('scana'), own('scan*a'), `x${prefix}`]
      await Promise.all([...keys, ...others].map((key) => adapter.set(key, bytesOf('a'), 60_000)))
      await adapter.run(count, `${prefix}state`, { by: 1, ttlMs: 60_000 })
      await adapter.set(`${prefix}short`, bytesOf('a'), 1)
      await adapter.delete(`${prefix}7`)
      await pass(1)
      const seen: string[] = []
      for await (const key of adapter.scan(prefix)) if (key !== `${prefix}short`) seen.push(key)
      const expected = [...keys.filter((key) => key !== `${prefix}7`), `${prefix}state`]
      assert.deepEqual(seen.toSorted(alphabetically), expected.toSorted(alphabetically))
    }),
    caseOf(makeAdapter, 'scan shows keys once, whatever is done with those it has shown', async ({ adapter, own }) => {
      const prefix = own('scan')
      const keys = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => `${prefix}:${key}`)
      await Promise.all(keys.map((key) => adapter.set(key, bytesOf('a'), 60_000)))
      const seen: string[] = []
      for await (const key of adapter.scan(`${prefix}:`)) {
        assert.ok(!seen.includes(key), `${key} was shown twice`)
        seen.push(key)
        if (seen.length % 3 === 0) await adapter.get(key)
        else await adapter.delete(key)
        if (seen.length % 3 === 1) await adapter.set(key, bytesOf('b'), 60_000)
      }
      assert.deepEqual(seen.toSorted(alphabetically), keys)
    }),
  ]
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}

function alphabetically(a: string, b: string): number {
  return a < b ? -1 : 1
}
