import { counting, failing } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import { createCache } from '../src/index.ts'
import { counter, stage, until } from './stage.ts'

eachAdapter((makeAdapter) => {
  const cacheOf = stage(makeAdapter)

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

    it.each<[string, unknown]>([
      ['an object without a prototype', Object.create(null)],
      ['an error whose message is none', Object.assign(new Error('text'), { message: { of: 'another kind' } })],
      ['a symbol', Symbol('thrown')],
    ])('gives %s to whoever waits, too, and does not keep the next one waiting', async (_, thrown) => {
      const { cache, other } = cacheOf()
      const load = async () => {
        throw thrown
      }
      expect(await cache.getOrSet('42', load).catch((error: unknown) => error)).toBe(thrown)
      expect(await other.getOrSet('42', () => 'loaded')).toBe('loaded')
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

    it('loads again what has come meanwhile from a process with another codec', async () => {
      const { adapter, cache } = cacheOf()
      const decode = (): never => {
        throw new Error('of another version')
      }
      const codec = { encode: () => Buffer.from('by the other codec'), decode }
      const other = createCache({ adapter, name: 'users', ttlMs: 60_000, timeoutMs: 2_000, codec })
      let finish: ((value: string) => void) | undefined
      const first = cache.getOrSet('42', () => new Promise<string>((resolve) => (finish = resolve)))
      await until(() => finish !== undefined)
      const second = other.getOrSet('42', () => 'second')
      await adapter.get('sent after what the second asks for')
      finish?.('first')
      expect(await Promise.all([first, second])).toEqual(['first', 'second'])
    })

    it('returns what a codec makes no bytes of, and does not keep it', async () => {
      const codec = { encode: JSON.stringify as never, decode: () => 'never' }
      const { cache } = cacheOf({ codec })
      expect(await cache.getOrSet('42', () => 'value')).toBe('value')
      expect(await cache.get('42')).toBeUndefined()
      await expect(cache.set('42', 'value')).rejects.toThrow('codec.encode must give a Uint8Array, got ')
    })

    it('refuses a loader that asks for its own key, also by way of another', async () => {
      const { cache } = cacheOf()
      const own = (): Promise<unknown> => cache.getOrSet('a', () => cache.getOrSet('b', own))
      await expect(own()).rejects.toMatchObject({ code: 'ERR_HOLDFAST_RECURSIVE_LOAD', key: 'a' })
      await expect(cache.getMany(['c'], () => cache.getMany(['c'], () => ['never']))).rejects.toMatchObject({
        code: 'ERR_HOLDFAST_RECURSIVE_LOAD',
      })
    })

    it('lets what a loader has left behind ask for its key, once it has ended', async () => {
      const { cache } = cacheOf()
      let begin = (): void => {}
      const begun = new Promise<void>((resolve) => {
        begin = resolve
      })
      let left: Promise<unknown> | undefined
      await cache.getOrSet('42', () => {
        left = begun.then(() => cache.getOrSet('42', () => 'again'))
        return 'loaded'
      })
      begin()
      expect(await left).toBe('loaded')
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

  it('says for how long a value is still fresh, in one command', async () => {
    const { cache, adapter, clock } = cacheOf({ staleWhileRevalidateMs: 1_000, staleIfErrorMs: 2_000 })
    expect(await cache.freshMs('42')).toBeUndefined()
    await cache.set('42', 'value', { tags: ['t'] })
    expect(await cache.freshMs('42')).toBe(60_000)
    clock.advance(59_999)
    expect(await cache.freshMs('42')).toBe(1)
    clock.advance(1)
    expect([await cache.freshMs('42'), await cache.get('42')]).toEqual([0, 'value'])
    clock.advance(1_000) // now it is served when its load fails, alone
    expect([await cache.freshMs('42'), await cache.get('42')]).toEqual([undefined, undefined])
    await cache.set('42', null, { ttlMs: 10 })
    expect(await cache.freshMs('42')).toBe(10)
    const calls = counting(adapter)
    expect(await createCache({ adapter: calls, name: 'users', ttlMs: 5 }).freshMs('42')).toBe(10)
    expect(calls.calls).toBe(1)
    await cache.set('tagged', 1, { tags: ['t'] })
    await cache.invalidateTags(['t'])
    expect(await cache.freshMs('tagged')).toBeUndefined()
    const away = { adapter: failing(adapter), name: 'users', ttlMs: 5 }
    expect(await createCache(away).freshMs('42')).toBeUndefined()
    const closed = createCache({ ...away, failure: 'closed' }).freshMs('42')
    await expect(closed).rejects.toMatchObject({ name: 'AdapterUnavailableError' })
    await expect(Reflect.apply(cache.freshMs, undefined, [7])).rejects.toThrow('key must be a string, got 7')
  })

  describe('a loader that never ends', () => {
    // In real time: a few milliseconds.
    it('is followed by another one when hardTimeoutMs and its lease are over, in the background as well', async () => {
      const { cache, clock } = cacheOf({ hardTimeoutMs: 5, loadLeaseMs: 1, staleWhileRevalidateMs: 30 * 86_400_000 })
      await cache.set('42', 'old')
      clock.advance(60_000)
      let runs = 0
      const load = () => {
        runs += 1
        return runs === 1 ? new Promise<string>(() => {}) : `loaded ${runs}`
      }
      while ((await cache.getOrSet('42', load)) === 'old') {
        clock.advance(1)
        await new Promise(setImmediate)
      }
      expect(await cache.get('42')).toBe('loaded 2')
      expect(runs).toBe(2)
    })

    it('is followed by another one while the adapter fails', async () => {
      const { adapter } = cacheOf()
      const cache = createCache({ adapter: failing(adapter), ttlMs: 60_000, hardTimeoutMs: 5 })
      await expect(cache.getOrSet('42', () => new Promise(() => {}))).rejects.toThrow('took longer than hardTimeoutMs (5 ms)')
      let value: unknown
      while (value === undefined) {
        value = await cache.getOrSet('42', () => 'loaded').catch(() => undefined)
        await new Promise(setImmediate)
      }
      expect(value).toBe('loaded')
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

    it('is not kept for no time, and what was there goes', async () => {
      const { cache } = cacheOf({ staleWhileRevalidateMs: 1_000, negativeTtlMs: 0 })
      for (const [value, options] of [
        ['new', { ttlMs: 0 }],
        [null, {}],
      ] as const) {
        await cache.set('42', 'old')
        await cache.set('42', value, options)
        expect(await cache.get('42')).toBeUndefined()
      }
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
})
