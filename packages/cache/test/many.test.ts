import { type Adapter, AdapterUnavailableError } from '@holdfast/adapter'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import { createCache } from '../src/index.ts'
import { stage } from './stage.ts'

eachAdapter((makeAdapter) => {
  const cacheOf = stage(makeAdapter)

  describe('getMany', () => {
    it('gives values in the order of the keys, and loads what is missing in one call', async () => {
      const { cache } = cacheOf()
      await cache.set('2', 'two')
      const calls: string[][] = []
      const load = async (missing: string[]) => {
        calls.push(missing)
        return new Map(missing.filter((id) => id !== '4').map((id) => [id, `loaded ${id}`]))
      }
      expect(await cache.getMany(['1', '2', '3', '1', '4'], load)).toEqual(['loaded 1', 'two', 'loaded 3', 'loaded 1', undefined])
      expect(calls).toEqual([['1', '3', '4']])
      expect(await cache.getMany(['3', '1'], load)).toEqual(['loaded 3', 'loaded 1'])
      expect(await cache.getMany([], load)).toEqual([])
      expect(calls).toHaveLength(1)
    })

    it('takes a list as well, and waits for what others load', async () => {
      const { cache, other } = cacheOf()
      const loaded: string[] = []
      const load = async (missing: string[]) => {
        loaded.push(...missing)
        await new Promise(setImmediate)
        return missing.map((id) => `loaded ${id}`)
      }
      const [one, two] = await Promise.all([cache.getMany(['1', '2', '3'], load), other.getMany(['3', '2', '4'], load)])
      expect(one).toEqual(['loaded 1', 'loaded 2', 'loaded 3'])
      expect(two).toEqual(['loaded 3', 'loaded 2', 'loaded 4'])
      expect(loaded).toHaveLength(4)
      expect(new Set(loaded)).toEqual(new Set(['1', '2', '3', '4']))
      await expect(cache.getMany(['5'], async () => [])).rejects.toThrow('a list of 1 values')
    })

    it('loads them all when the adapter fails to say what was purged since', async () => {
      const { adapter, cache } = cacheOf()
      for (const key of ['1', '2', '3']) await cache.set(key, 'old', { tags: [key] })
      await cache.invalidateTags(['2'])
      const run: Adapter['run'] = (operation, ...rest) =>
        operation.name === 'cache.purged-since'
          ? Promise.reject(new AdapterUnavailableError('on purpose'))
          : adapter.run(operation, ...rest)
      const cutOff = createCache({ adapter: { ...adapter, run }, name: 'users', ttlMs: 60_000, timeoutMs: 2_000 })
      expect(await cutOff.getMany(['1', '2', '3'], (missing) => missing)).toEqual(['1', '2', '3'])
      await new Promise(setImmediate) // a rejection that nobody handles fails the test
    })

    it('loads stale ones behind, in one call', async () => {
      const { cache, clock } = cacheOf({ staleWhileRevalidateMs: 1_000 })
      await cache.set('1', 'old 1')
      await cache.set('2', 'old 2')
      clock.advance(60_000)
      const calls: string[][] = []
      const load = async (missing: string[]) => {
        calls.push(missing)
        return missing.map((id) => `new ${id}`)
      }
      expect(await cache.getMany(['1', '2'], load)).toEqual(['old 1', 'old 2'])
      while ((await cache.get('1')) !== 'new 1' || (await cache.get('2')) !== 'new 2') await new Promise(setImmediate)
      expect(calls).toEqual([['1', '2']])
    })
  })

  it('wraps a function, by its arguments', async () => {
    const { cache } = cacheOf()
    const calls: unknown[][] = []
    const load = cache.wrap(async (...args: unknown[]) => {
      calls.push(args)
      return calls.length
    })
    expect([await load('42'), await load('42'), await load({ b: 1, a: [2] }), await load({ a: [2], b: 1 })]).toEqual([1, 1, 2, 2])
    expect([await load('["42"]'), await load(['42']), await load(42), await load('42', undefined)]).toEqual([3, 4, 5, 6])
    await cache.delete('42')
    expect(await load('42')).toBe(7)
    expect(() => load(new Map())).toThrow('must be plain data')
    const circle: unknown[] = []
    circle.push({ circle })
    expect(() => load(circle)).toThrow('holds itself, or is nested more than 1000 deep')
  })
})
