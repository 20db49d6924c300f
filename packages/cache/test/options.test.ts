import { AdapterError } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing, fakeClock, slow } from '@holdfast/adapter/testing'
import { describe, expect, it } from '@jest/globals'
import { createCache } from '../src/index.ts'
import { counter } from './stage.ts'

describe('while the adapter fails', () => {
  it('runs the loader, once for those who wait, and keeps nothing', async () => {
    const adapter = failing(memoryAdapter())
    const cache = createCache({ adapter, ttlMs: 60_000 })
    const { load } = counter()
    expect(await Promise.all([cache.getOrSet('42', load), cache.getOrSet('42', load)])).toEqual([1, 1])
    expect(await cache.getOrSet('42', load)).toBe(2)
    expect(await cache.getMany(['42', '43'], async (ids) => ids.map((id) => `alone ${id}`))).toEqual(['alone 42', 'alone 43'])
    expect(await cache.get('42')).toBeUndefined()
    for (const write of [cache.set('42', 1), cache.delete('42'), cache.invalidateTags(['a']), cache.clear()]) {
      await expect(write).rejects.toBeInstanceOf(AdapterError)
    }
    adapter.recover()
    expect(await cache.getOrSet('42', load)).toBe(3)
    expect(await cache.getOrSet('42', load)).toBe(3)
  })

  // In real time: 300 ms.
  it('waits for all of its calls together as long as timeoutMs says', async () => {
    const memory = memoryAdapter()
    await createCache({ adapter: memory, ttlMs: 60_000 }).clear() // starts the clock
    const cache = createCache({ adapter: slow(memory, 140), ttlMs: 60_000, timeoutMs: 300 })
    const since = performance.now()
    expect(await cache.getOrSet('42', () => 'loaded')).toBe('loaded') // a look, a begin, and 20 ms left to store it
    expect(performance.now() - since).toBeLessThan(400)
  })

  it("rejects with failure: 'closed'", async () => {
    const cache = createCache({ adapter: failing(memoryAdapter()), ttlMs: 60_000, failure: 'closed' })
    await expect(cache.getOrSet('42', () => 1)).rejects.toBeInstanceOf(AdapterError)
    await expect(cache.get('42')).rejects.toBeInstanceOf(AdapterError)
  })
})

describe('options', () => {
  const adapter = memoryAdapter()

  it.each([
    [{}, 'adapter is missing'],
    [{ adapter }, 'ttlMs must be a whole number from 1'],
    [{ adapter, ttlMs: Number.POSITIVE_INFINITY }, 'ttlMs must be a whole number from 1'],
    [{ adapter, ttlMs: 1.5 }, 'got 1.5'],
    [{ adapter, ttlMs: 1, ttl: 5 }, 'Unknown option "ttl" of createCache'],
    [{ adapter, ttlMs: 1, jitter: 2 }, 'jitter must be a number from 0 to 1, got 2'],
    [{ adapter, ttlMs: 1, near: { maxByte: 1 } }, 'Unknown option "maxByte" of near'],
    [{ adapter, ttlMs: 1, near: true }, 'The options of near must be an object, got true'],
    [{ adapter, ttlMs: 1, failure: 'local' }, "failure must be 'open' or 'closed', got \"local\""],
    [{ adapter, ttlMs: 1, hardTimeoutMs: 0 }, 'hardTimeoutMs must be a whole number from 1'],
    [{ adapter, ttlMs: 1, codec: {} }, 'codec must have encode and decode'],
  ])('%p are refused', (options, message) => {
    expect(() => createCache(options as never)).toThrow(message)
  })

  it('of a call that are undefined are those of the cache', async () => {
    const clock = fakeClock()
    const cache = createCache({ adapter: memoryAdapter({ now: clock.now }), ttlMs: 1_000, staleIfErrorMs: 1 })
    const none = { ttlMs: undefined, staleWhileRevalidateMs: undefined, staleIfErrorMs: undefined, loadLeaseMs: undefined }
    expect(await cache.getOrSet('42', () => 'first', { ...none, tags: undefined, tag: undefined } as never)).toBe('first')
    clock.advance(999)
    expect(await cache.getOrSet('42', () => 'second', none as never)).toBe('first')
    clock.advance(1)
    expect(await cache.getOrSet('42', () => 'second', none as never)).toBe('second')
  })

  it('of a call are checked as well', async () => {
    const cache = createCache({ adapter, ttlMs: 1 })
    await expect(cache.getOrSet('42', () => 1, { ttlMs: -1 })).rejects.toThrow('ttlMs must be a whole number from 0')
    await expect(cache.getOrSet('42', () => 1, { tag: ['a'] } as never)).rejects.toThrow('Unknown option "tag" of a call')
    await expect(cache.getOrSet('42', 'value' as never)).rejects.toThrow('loader must be a function')
    expect(() => cache.wrap('value' as never)).toThrow('loader must be a function')
    await expect(cache.getMany('42' as never, (missing) => missing)).rejects.toThrow('keys must be a list of strings, got "42"')
    for (const refused of [cache.set('42', 1, 60 as never), cache.getOrSet('42', () => 1, 60 as never)]) {
      await expect(refused).rejects.toThrow('The options of a call must be an object, got 60')
    }
  })
})
