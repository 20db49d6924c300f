import { type Adapter, AdapterError } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing, fakeClock } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { afterEach, describe, expect, it } from '@jest/globals'
import { type CacheOptions, createCache } from '../src/index.ts'

const adapters: Adapter[] = []
afterEach(async () => {
  for (const adapter of adapters.splice(0)) await adapter.close()
})

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}

/** A loader that gives 1, 2, 3 and so on. */
function counter() {
  let count = 0
  return { load: async () => ++count, count: () => count }
}

eachAdapter((makeAdapter) => {
  function cacheOf(options: Partial<CacheOptions> = {}) {
    const clock = fakeClock()
    const adapter = makeAdapter(clock.now)
    adapters.push(adapter)
    const all = { adapter, name: 'users', ttlMs: 60_000, timeoutMs: 2_000, ...options }
    return { clock, adapter, cache: createCache(all), other: createCache(all) }
  }

  describe('getOrSet', () => {
    it('loads once, and gives the same value until its end, to the millisecond', async () => {
      const { cache, clock } = cacheOf()
      const { load } = counter()
      expect(await cache.getOrSet('42', load)).toBe(1)
      clock.advance(59_999)
      expect(await cache.getOrSet('42', load)).toBe(1)
      clock.advance(1)
      expect(await cache.getOrSet('42', load)).toBe(2)
    })

    it('runs one loader for 100 concurrent callers', async () => {
      const { cache } = cacheOf()
      const { load, count } = counter()
      const all = await Promise.all(Array.from({ length: 100 }, () => cache.getOrSet('42', load)))
      expect(new Set(all)).toEqual(new Set([1]))
      expect(count()).toBe(1)
    })

    it('runs one loader for callers of two caches, and those that come while it runs', async () => {
      const { cache, other } = cacheOf()
      let finish = (_value: string): void => {}
      let runs = 0
      function load(): Promise<string> {
        runs += 1
        return new Promise((resolve) => {
          finish = resolve
        })
      }
      const early = [cache.getOrSet('42', load), other.getOrSet('42', load)]
      await until(() => runs > 0)
      const late = [cache.getOrSet('42', load), other.getOrSet('42', load)]
      await other.get('another key, so that the others have asked')
      finish('loaded')
      expect(await Promise.all([...early, ...late])).toEqual(['loaded', 'loaded', 'loaded', 'loaded'])
      expect(runs).toBe(1)
    })

    it('gives the error of a loader to every waiter, and runs it again for the next call', async () => {
      const { cache, other } = cacheOf()
      let runs = 0
      let fail = (): void => {}
      const asked = new Promise<void>((resolve) => {
        fail = resolve
      })
      async function load(): Promise<string> {
        runs += 1
        await asked
        throw Object.assign(new RangeError('no such user'), { code: 'NO_USER' })
      }
      const calls = [cache, cache, other].map((each) => each.getOrSet('42', load))
      await until(() => runs > 0)
      for (let turn = 0; turn < 3; turn += 1) await other.get('another key, so that the others have asked')
      fail()
      for (const each of await Promise.allSettled(calls)) {
        expect(each).toMatchObject({
          status: 'rejected',
          reason: { name: 'RangeError', message: 'no such user', code: 'NO_USER' },
        })
      }
      expect(runs).toBe(1)
      await expect(cache.getOrSet('42', load)).rejects.toThrow('no such user')
      expect(runs).toBe(2)
    })

    it('keeps null for as long as negativeTtlMs says, and does not keep undefined', async () => {
      const { cache, clock } = cacheOf({ negativeTtlMs: 5_000 })
      let runs = 0
      const none = async () => {
        runs += 1
        return null
      }
      await cache.getOrSet('none', none)
      clock.advance(4_999)
      expect(await cache.getOrSet('none', none)).toBeNull()
      expect(runs).toBe(1)
      clock.advance(1)
      await cache.getOrSet('none', none)
      expect(runs).toBe(2)

      const { load, count } = counter()
      const nothing = async () => {
        await load()
        return undefined
      }
      expect(await cache.getOrSet('nothing', nothing)).toBeUndefined()
      expect(await cache.getOrSet('nothing', nothing)).toBeUndefined()
      expect(count()).toBe(2)
    })

    it('lets the loader set the time, and a call override the options', async () => {
      const { cache, clock } = cacheOf()
      const { load } = counter()
      await cache.getOrSet('short', ({ ttl }) => {
        ttl(10)
        return load()
      })
      clock.advance(10)
      expect(await cache.getOrSet('short', load, { ttlMs: 20 })).toBe(2)
      clock.advance(19)
      expect(await cache.getOrSet('short', load)).toBe(2)
      clock.advance(1)
      expect(await cache.getOrSet('short', load, { ttlMs: 0 })).toBe(3)
      expect(await cache.getOrSet('short', load)).toBe(4)
    })

    it('keeps what structured clone keeps', async () => {
      const { cache } = cacheOf()
      const value = {
        date: new Date(5),
        map: new Map([['a', new Set([1n])]]),
        bytes: Buffer.from([0, 255]),
        nan: Number.NaN,
        list: [undefined, null],
      }
      await cache.set('all', value)
      expect(await cache.get('all')).toEqual(value)
    })

    it('returns what cannot be encoded, and does not keep it', async () => {
      const { cache } = cacheOf()
      const { load, count } = counter()
      const odd = async () => {
        await load()
        return { call: () => 'works' }
      }
      const [first, second] = await Promise.all([cache.getOrSet('odd', odd), cache.getOrSet('odd', odd)])
      expect([first.call(), second.call()]).toEqual(['works', 'works'])
      await cache.getOrSet('odd', odd)
      expect(count()).toBe(2)
      await expect(cache.set('odd', { call: () => {} })).rejects.toThrow('could not be cloned')
    })

    it('refuses a loader that asks for its own key, also by way of another', async () => {
      const { cache } = cacheOf()
      const own = (): Promise<unknown> => cache.getOrSet('a', () => cache.getOrSet('b', own))
      await expect(own()).rejects.toMatchObject({ code: 'ERR_HOLDFAST_RECURSIVE_LOAD', key: 'a' })
      await expect(cache.getMany(['c'], () => cache.getMany(['c'], () => ['never']))).rejects.toMatchObject({
        code: 'ERR_HOLDFAST_RECURSIVE_LOAD',
      })
    })

    it('keeps hostile keys apart', async () => {
      const { cache } = cacheOf()
      const keys = ['', 'a', 'a:value', '{a}', 'a}', '*', '\0', 'a'.repeat(1_000), '__proto__', 'ü', '\ud800']
      for (const key of keys) await cache.set(key, `of ${key}`)
      for (const key of keys) expect(await cache.get(key)).toBe(`of ${key}`)
      await expect(cache.get(7 as never)).rejects.toThrow('key must be a string')
    })
  })

  describe('stale values', () => {
    it('are served at once while one load is going on behind', async () => {
      const { cache, other, clock } = cacheOf({ staleWhileRevalidateMs: 1_000 })
      const { load, count } = counter()
      await cache.getOrSet('42', load)
      clock.advance(60_000)
      expect(await cache.getOrSet('42', load)).toBe(1)
      while ((await other.get('42')) !== 2) await new Promise(setImmediate)
      expect(count()).toBe(2)
      clock.advance(61_000)
      expect(await cache.getOrSet('42', load)).toBe(3)
    })

    it('are given when the load fails, as long as staleIfErrorMs says', async () => {
      const { cache, clock } = cacheOf({ staleIfErrorMs: 1_000 })
      const { load } = counter()
      await cache.getOrSet('42', load)
      const broken = async (): Promise<number> => {
        throw new Error('broken')
      }
      clock.advance(60_999)
      expect(await cache.getOrSet('42', broken)).toBe(1)
      expect(await cache.getOrSet('42', ({ stale }) => Promise.resolve(Number(stale) + 10))).toBe(11)
      clock.advance(61_000)
      await expect(cache.getOrSet('42', broken)).rejects.toThrow('broken')
    })

    // In real time: a few milliseconds.
    it('are given after softTimeoutMs, and the late value is kept', async () => {
      const { cache, clock } = cacheOf({ staleIfErrorMs: 1_000, softTimeoutMs: 5 })
      await cache.set('42', 'old')
      clock.advance(60_000)
      let finish = (_value: string): void => {}
      const slow = () =>
        new Promise<string>((resolve) => {
          finish = resolve
        })
      expect(await cache.getOrSet('42', slow)).toBe('old')
      finish('late')
      while ((await cache.get('42')) !== 'late') await new Promise(setImmediate)
    })
  })

  describe('a load that takes longer than hardTimeoutMs', () => {
    // In real time: a few milliseconds.
    it('rejects and is told to stop, and what it gives late is kept unless it was purged', async () => {
      const { cache } = cacheOf({ hardTimeoutMs: 5 })
      const finish: ((value: string) => void)[] = []
      const reasons: unknown[] = []
      function slow({ signal }: { signal: AbortSignal }): Promise<string> {
        signal.addEventListener('abort', () => reasons.push(signal.reason))
        return new Promise((resolve) => finish.push(resolve))
      }
      await expect(cache.getOrSet('kept', slow)).rejects.toMatchObject({ code: 'ERR_HOLDFAST_LOAD_TIMEOUT', key: 'kept' })
      await expect(cache.getOrSet('purged', slow)).rejects.toMatchObject({ code: 'ERR_HOLDFAST_LOAD_TIMEOUT' })
      while (reasons.length < 2) await new Promise(setImmediate)
      await cache.delete('purged')
      for (const each of finish) each('late')
      while ((await cache.get('kept')) !== 'late') await new Promise(setImmediate)
      expect(await cache.get('purged')).toBeUndefined()
    })
  })

  describe('what is written', () => {
    it('is what everybody reads, also while a load is going on', async () => {
      const { cache, other } = cacheOf()
      let finish: ((value: string) => void) | undefined
      const loading = cache.getOrSet('42', () => new Promise<string>((resolve) => (finish = resolve)))
      await until(() => finish !== undefined)
      await other.set('42', 'written', { ttlMs: 10 })
      finish?.('loaded before')
      expect(await loading).toBe('loaded before')
      expect(await cache.get('42')).toBe('written')
      await expect(cache.set('42', undefined)).rejects.toThrow('undefined is no value')
    })

    it('goes with a delete, and a load that is going on does not bring it back', async () => {
      const { cache, other } = cacheOf()
      await cache.set('42', 'old')
      await cache.delete('42')
      expect(await other.get('42')).toBeUndefined()

      let finish: ((value: string) => void) | undefined
      const loading = cache.getOrSet('42', () => new Promise<string>((resolve) => (finish = resolve)))
      await until(() => finish !== undefined)
      await other.delete('42')
      expect(await cache.getOrSet('42', () => 'loaded after')).toBe('loaded after')
      finish?.('loaded before')
      expect(await loading).toBe('loaded before')
      expect(await other.get('42')).toBe('loaded after')
    })
  })

  describe('tags', () => {
    it('drop what has them, in every cache, and nothing else', async () => {
      const { adapter, cache } = cacheOf()
      const posts = createCache({ adapter, name: 'posts', ttlMs: 60_000, timeoutMs: 2_000 })
      await cache.getOrSet('1', ({ tags }) => {
        tags.add('org:7')
        return 'of 7'
      })
      await cache.set('2', 'of 8', { tags: ['org:8'] })
      await posts.getOrSet('1', () => 'post of 7', { tags: ['org:7', 'post'] })
      await cache.invalidateTags(['org:7', 'org:9'])
      expect([await cache.get('1'), await cache.get('2'), await posts.get('1')]).toEqual([undefined, 'of 8', undefined])
      await cache.invalidateTags(['org:8'])
      expect(await cache.get('2')).toBeUndefined()
    })

    it('drop a value whose load began before, whenever it ends, also for those who wait for it', async () => {
      const { cache, other } = cacheOf()
      let finish: ((value: string) => void) | undefined
      const loading = cache.getOrSet('42', ({ tags }) => {
        tags.add('org:7')
        return new Promise<string>((resolve) => (finish = resolve))
      })
      await until(() => finish !== undefined)
      await other.invalidateTags(['org:7'])
      const after = [cache, other].map((each) => each.getOrSet('42', () => 'loaded after'))
      await other.get('another key, so that the others have asked')
      finish?.('loaded before')
      expect(await loading).toBe('loaded before')
      expect(await Promise.all(after)).toEqual(['loaded after', 'loaded after'])
      expect(await cache.get('42')).toBe('loaded after')
    })

    it('of a value that a loader uses are those of what it makes', async () => {
      const { cache } = cacheOf()
      const { load } = counter()
      const inner = () => cache.getOrSet('inner', load, { tags: ['org:7'] })
      await cache.getOrSet('outer', async () => `of ${await inner()}`)
      await inner()
      await cache.getOrSet('outer of a hit', async () => `of ${await inner()}`)
      await cache.invalidateTags(['org:7'])
      expect([await cache.get('outer'), await cache.get('outer of a hit')]).toEqual([undefined, undefined])
    })

    it('are hostile or long, and are refused when they are none', async () => {
      const { cache } = cacheOf()
      const tags = ['*', '{a}', '__proto__', 'ü "quoted"', 'a'.repeat(1_024)]
      for (const tag of tags) {
        await cache.set('42', tag, { tags: [tag] })
        await cache.invalidateTags([tag])
        expect(await cache.get('42')).toBeUndefined()
      }
      for (const tag of ['', 'a'.repeat(1_025), '\0users', '\ud800']) {
        await expect(cache.invalidateTags([tag])).rejects.toThrow('A tag must have 1 to 1024 characters')
      }
      await expect(cache.invalidateTags('org:7' as never)).rejects.toThrow('tags must be a list of strings')
    })

    it('are more than fit in one command', async () => {
      const { cache } = cacheOf()
      const tags = Array.from({ length: 250 }, (_, index) => `tag:${index}`)
      await cache.set('first', 1, { tags: ['tag:0'] })
      await cache.set('last', 1, { tags: ['tag:249'] })
      await cache.set('none', 1)
      await cache.invalidateTags(tags)
      expect([await cache.get('first'), await cache.get('last'), await cache.get('none')]).toEqual([undefined, undefined, 1])
    })
  })

  it('clears its own values, not those of another cache', async () => {
    const { adapter, cache, other } = cacheOf()
    const posts = createCache({ adapter, name: 'posts', ttlMs: 60_000, timeoutMs: 2_000 })
    await cache.set('1', 'user')
    await posts.set('1', 'post')
    await other.clear()
    expect([await cache.get('1'), await posts.get('1')]).toEqual([undefined, 'post'])
    await cache.set('1', 'again')
    expect(await other.get('1')).toBe('again')
  })

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
  })
})

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
    [{ adapter, ttlMs: 1, ttl: 5 }, 'Unknown option ttl'],
    [{ adapter, ttlMs: 1, jitter: 2 }, 'jitter must be a number from 0 to 1, got 2'],
    [{ adapter, ttlMs: 1, near: { maxByte: 1 } }, 'Unknown option near.maxByte'],
    [{ adapter, ttlMs: 1, near: true }, 'near must be an object, got true'],
    [{ adapter, ttlMs: 1, failure: 'local' }, "failure must be 'open' or 'closed', got \"local\""],
    [{ adapter, ttlMs: 1, hardTimeoutMs: 0 }, 'hardTimeoutMs must be a whole number from 1'],
    [{ adapter, ttlMs: 1, codec: {} }, 'codec must have encode and decode'],
  ])('%p are refused', (options, message) => {
    expect(() => createCache(options as never)).toThrow(message)
  })

  it('of a call are checked as well', async () => {
    const cache = createCache({ adapter, ttlMs: 1 })
    await expect(cache.getOrSet('42', () => 1, { ttlMs: -1 })).rejects.toThrow('ttlMs must be a whole number from 0')
    await expect(cache.getOrSet('42', () => 1, { tag: ['a'] } as never)).rejects.toThrow('Unknown option tag')
    await expect(cache.getOrSet('42', 'value' as never)).rejects.toThrow('loader must be a function')
  })
})
