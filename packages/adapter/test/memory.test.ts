import { defineOperation } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { fakeClock } from '@holdfast/adapter/testing'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Deadlines } from '../src/deadlines.ts'
import { acquire, release } from './sample-operations.ts'

const full = { code: 'ERR_HOLDFAST_ADAPTER_FULL' }

describe('states in memory', () => {
  it('are never dropped for others: one too many is refused, until one has ended', async () => {
    const clock = fakeClock()
    const adapter = memoryAdapter({ maxStates: 3, now: clock.now })
    await adapter.run(acquire, 'short', { owner: 'ann', leaseMs: 10 })
    await adapter.run(acquire, 'long', { owner: 'ann', leaseMs: 1_000 })
    await adapter.run(acquire, 'longer', { owner: 'ann', leaseMs: 2_000 })
    await expect(adapter.run(acquire, 'new', { owner: 'bob', leaseMs: 10 })).rejects.toMatchObject(full)
    expect(await adapter.run(acquire, 'long', { owner: 'ann', leaseMs: 1_000 })).toEqual({ held: true, fence: 2 })
    clock.advance(9)
    await expect(adapter.run(acquire, 'new', { owner: 'bob', leaseMs: 10 })).rejects.toMatchObject(full)
    clock.advance(1)
    expect(await adapter.run(acquire, 'new', { owner: 'bob', leaseMs: 10 })).toEqual({ held: true, fence: 1 })
  })

  it('make room when they are deleted, and when their end is moved nearer', async () => {
    const clock = fakeClock()
    const adapter = memoryAdapter({ maxStates: 1, now: clock.now })
    for (let round = 0; round < 1_000; round += 1) {
      await adapter.run(acquire, `key ${round}`, { owner: 'ann', leaseMs: 60_000 })
      await adapter.run(release, `key ${round}`, { owner: 'ann' })
    }
    await adapter.run(acquire, 'key', { owner: 'ann', leaseMs: 60_000 })
    await adapter.run(acquire, 'key', { owner: 'ann', leaseMs: 5 })
    clock.advance(5)
    expect(await adapter.run(acquire, 'other', { owner: 'bob', leaseMs: 5 })).toMatchObject({ held: true })
  })

  it('are a million at the most by default, and no timer keeps the process alive', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const adapter = memoryAdapter()
    for (let key = 0; key < 1_000_000; key += 1) await adapter.run(acquire, `${key}`, { owner: 'ann', leaseMs: 60_000 })
    await expect(adapter.run(acquire, 'one more', { owner: 'ann', leaseMs: 60_000 })).rejects.toMatchObject(full)
    expect(await adapter.run(acquire, '0', { owner: 'bob', leaseMs: 60_000 })).toMatchObject({ held: false })
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before)
  })
})

describe('large states in memory', () => {
  const keep = defineOperation<{ bytes: Uint8Array }, Uint8Array, void>({
    name: 'sample.keep-bytes',
    step: (_state, bytes) => ({ result: undefined, next: { state: { bytes }, ttlMs: 10 } }),
    lua: `
      write(10, 'bytes', ARGV[1])
      return {}
    `,
    encode: (bytes) => [Buffer.from(bytes)],
    decode: () => undefined,
    bytesOf: ({ bytes }) => bytes.byteLength,
  })

  it('stay within maxBytes: what has no room is refused, until others have shrunk or ended', async () => {
    const clock = fakeClock()
    const adapter = memoryAdapter({ maxBytes: 1_000, now: clock.now })
    await adapter.run(keep, 'a', new Uint8Array(600))
    await expect(adapter.run(keep, 'b', new Uint8Array(401))).rejects.toMatchObject(full)
    await adapter.run(keep, 'a', new Uint8Array(599))
    await adapter.run(keep, 'b', new Uint8Array(401))
    await expect(adapter.run(keep, 'a', new Uint8Array(600))).rejects.toMatchObject(full)
    clock.advance(10)
    await adapter.run(keep, 'c', new Uint8Array(1_000))
  })
})

describe('a step that has no room', () => {
  const add = defineOperation<{ items: string[] }, { item: string; inPlace: boolean }, string>({
    name: 'sample.add',
    value: true,
    step(state, { item, inPlace }) {
      const items = inPlace ? (state?.items ?? []) : [...(state?.items ?? [])]
      items.push(item)
      const next = inPlace && state !== undefined ? state : { items }
      return { result: items.join(''), next: { state: next, ttlMs: 1_000 }, value: { bytes: Buffer.from(item), ttlMs: 1_000 } }
    },
    lua: 'return {}',
    encode: () => [],
    decode: () => '',
    bytesOf: ({ items }) => items.join('').length,
  })

  it('changes neither its state nor the value beside it', async () => {
    const adapter = memoryAdapter({ maxBytes: 1_000 })
    await adapter.run(add, '{a}', { item: 'x', inPlace: false })
    await expect(adapter.run(add, '{a}', { item: 'y'.repeat(1_000), inPlace: false })).rejects.toMatchObject(full)
    await expect(adapter.run(add, '{b}', { item: 'y'.repeat(1_000), inPlace: false })).rejects.toMatchObject(full)
    expect(await adapter.getMany(['{a}:value', '{b}:value'])).toEqual([Buffer.from('x'), undefined])
    expect(await adapter.run(add, '{a}', { item: 'z', inPlace: false })).toBe('xz')
  })

  it('must not have changed in place what counts: that is a bug, also where there is room', async () => {
    const adapter = memoryAdapter()
    await adapter.run(add, '{a}', { item: 'x', inPlace: true })
    await expect(adapter.run(add, '{a}', { item: 'y', inPlace: true })).rejects.toMatchObject({ name: 'OperationError' })
  })
})

describe('values in memory', () => {
  it('stay within maxBytes: the least recently used goes first', async () => {
    const adapter = memoryAdapter({ maxBytes: 4_000 })
    for (const key of ['a', 'b', 'c']) await adapter.set(key, new Uint8Array(1_000), 60_000)
    await adapter.get('a')
    await adapter.set('d', new Uint8Array(1_000), 60_000)
    const kept = await adapter.getMany(['a', 'b', 'c', 'd'])
    expect(kept.map((value) => value?.byteLength)).toEqual([1_000, undefined, 1_000, 1_000])
  })

  it('larger than maxBytes are not kept, and drop none', async () => {
    const adapter = memoryAdapter({ maxBytes: 4_000 })
    await adapter.set('a', new Uint8Array(1_000), 60_000)
    await adapter.set('b', new Uint8Array(5_000), 60_000)
    expect(await adapter.get('b')).toBeUndefined()
    expect(await adapter.get('a')).toHaveLength(1_000)
  })
})

it('refuses a value that is no bytes, as on Redis', async () => {
  for (const adapter of [memoryAdapter(), redisAdapter({ url: sharedRedisUrl(), prefix: ownPrefix() })]) {
    await expect(Reflect.apply(adapter.set, adapter, ['key', 'text', 1_000])).rejects.toThrow(
      'value must be a Uint8Array, got string',
    )
    await adapter.close()
  }
})

it('takes things in the order of their ends, whatever was added, moved and removed', () => {
  const action = fc.record({ what: fc.constantFrom('add', 'move', 'remove', 'pass'), which: fc.nat(20), at: fc.nat(100) })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const deadlines = new Deadlines<{ endsAt: number; due: number; at: number }>()
      const things = new Set<{ endsAt: number; due: number; at: number }>()
      let now = 0
      for (const { what, which, at } of actions) {
        const thing = [...things][which % things.size]
        if (what === 'add') {
          const added = { endsAt: now + at, due: 0, at: 0 }
          things.add(added)
          deadlines.add(added)
        } else if (what === 'move' && thing !== undefined) {
          thing.endsAt = now + at
          deadlines.moved(thing)
        } else if (what === 'remove' && thing !== undefined) {
          deadlines.remove(thing)
          things.delete(thing)
        } else {
          now += at
          for (let next = deadlines.next(now); next !== undefined; next = deadlines.next(now)) {
            if (next.endsAt > now) {
              deadlines.postpone(next)
              continue
            }
            deadlines.remove(next)
            things.delete(next)
          }
          expect([...things].filter(({ endsAt }) => endsAt <= now)).toEqual([])
        }
      }
    }),
  )
})

it('refuses bad options, and says what is allowed', () => {
  expect(() => memoryAdapter({ maxStates: 0 })).toThrow('maxStates must be a whole number of at least 1, got 0')
  expect(() => memoryAdapter({ maxBytes: Number.NaN })).toThrow('maxBytes must be a whole number of at least 1, got NaN')
  expect(() => Reflect.apply(memoryAdapter, undefined, [{ now: 5 }])).toThrow('now must be a function')
  expect(() => Reflect.apply(memoryAdapter, undefined, [{ max: 5 }])).toThrow(
    'Unknown option "max" of memoryAdapter: there are maxBytes, maxStates, now',
  )
  expect(() => Reflect.apply(memoryAdapter, undefined, [5])).toThrow('The options of memoryAdapter must be an object, got 5')
})
