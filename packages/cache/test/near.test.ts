import { counting, fakeClock } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { type CacheOptions, createCache, type LoadOptions } from '../src/index.ts'
import { PURGES_CHANNEL } from '../src/tag-clock.ts'
import { until } from './stage.ts'

eachAdapter((makeAdapter) => {
  /** Two caches on one adapter, each with copies of its own, as in two processes; both hear messages already. */
  async function twoCaches(options: Partial<CacheOptions> = {}) {
    const clock = fakeClock()
    const adapter = counting(makeAdapter(clock.now))
    const all = { adapter, name: 'users', ttlMs: 60_000, timeoutMs: 2_000, near: { ttlMs: 10_000 }, ...options }
    const [cache, other] = [createCache(all), createCache(all)]
    const told = new Set<string>()
    await adapter.events.subscribe('cache:users', (event) => {
      if (event.type === 'message') told.add(event.message)
    })
    for (const each of [cache, other]) await heard(each, 'first')

    /** Keeps a value, and waits for the message of it, which drops copies whenever it comes. */
    async function set(key: string, value: unknown, callOptions?: LoadOptions): Promise<void> {
      told.delete(key)
      await cache.set(key, value, callOptions)
      while (!told.has(key)) await new Promise(setImmediate)
    }

    /** Reads until the value comes from a copy. */
    async function heard(each: typeof cache, key: string): Promise<void> {
      for (;;) {
        await each.getOrSet(key, () => 'value')
        const before = calls()
        await each.getOrSet(key, () => 'value')
        if (calls() === before || all.near?.strict) return
        await new Promise(setImmediate)
      }
    }
    function calls(): number {
      return adapter.counts.getMany + adapter.counts.run
    }
    return { clock, adapter, cache, other, calls, heard, set }
  }

  it('serves copies without a call, and for as long as the value is fresh, or near.ttlMs says', async () => {
    const { cache, calls, clock, heard, set } = await twoCaches()
    await set('42', { name: 'Ann' })
    await heard(cache, '42')
    const before = calls()
    expect(await cache.getOrSet('42', () => 'not needed')).toEqual({ name: 'Ann' })
    expect(await cache.get('42')).toEqual({ name: 'Ann' })
    expect(await cache.getMany(['42'], () => [])).toEqual([{ name: 'Ann' }])
    clock.advance(9_999)
    await cache.get('42')
    expect(calls()).toBe(before)
    clock.advance(1)
    await cache.get('42')
    expect(calls()).toBe(before + 1)
    clock.advance(50_000)
    expect(await cache.getOrSet('42', () => 'loaded')).toBe('loaded')
  })

  // In real time: a few milliseconds.
  it('serves no copy for longer than near.ttlMs, though the clock was set back', async () => {
    const { cache, calls, clock, heard, set } = await twoCaches({ near: { ttlMs: 50 } })
    await set('42', 'value')
    await heard(cache, '42')
    clock.advance(-3_600_000)
    const before = calls()
    while (calls() === before) {
      await cache.get('42')
      await new Promise(setImmediate)
    }
  })

  it('keeps no copy of what was purged while it was loaded', async () => {
    const { adapter, cache } = await twoCaches()
    const told: unknown[] = []
    await adapter.events.subscribe(PURGES_CHANNEL, (event) => void told.push(event))
    let finish: ((value: string) => void) | undefined
    const loading = cache.getOrSet('42', () => new Promise<string>((resolve) => (finish = resolve)), { tags: ['a tag'] })
    await until(() => finish !== undefined)
    await cache.invalidateTags(['a tag'])
    await until(() => told.length > 0)
    finish?.('loaded before')
    expect(await loading).toBe('loaded before')
    expect(await cache.get('42')).toBeUndefined()
  })

  it('has hot keys loaded again before their end', async () => {
    const adapter = makeAdapter(fakeClock().now)
    const cache = createCache({ adapter, ttlMs: 60_000, timeoutMs: 2_000, near: {}, earlyRefresh: Number.MAX_SAFE_INTEGER })
    let count = 0
    const load = async () => {
      await new Promise(setImmediate)
      return ++count
    }
    while ((await cache.getOrSet('hot', load)) < 30) await new Promise(setImmediate)
  })

  it('gives bytes of its own to each caller, also by a codec that copies none', async () => {
    const codec = { encode: (value: unknown) => value as Uint8Array, decode: (bytes: Uint8Array) => bytes } // what this test keeps
    const { cache } = await twoCaches({ codec, near: { strict: true } })
    await cache.set('42', Buffer.from('bytes'))
    for (let round = 0; round < 3; round += 1) {
      const [mine, other] = await Promise.all([cache.get<Buffer>('42'), cache.get<Buffer>('42')])
      mine?.fill(0)
      expect(String(other)).toBe('bytes')
    }
  })

  it('gives the same frozen value for plain data, and one of its own to each caller otherwise', async () => {
    const { cache, heard, set } = await twoCaches()
    const plain = { name: 'Ann', groups: [{ id: 1 }] }
    const loaded = await cache.getOrSet('plain', () => plain)
    expect(Object.isFrozen(loaded)).toBe(false)
    loaded.groups.push({ id: 2 })
    await heard(cache, 'plain')
    const copy = await cache.getOrSet('plain', () => plain)
    expect(copy).toEqual({ name: 'Ann', groups: [{ id: 1 }] })
    expect(await cache.getOrSet('plain', () => plain)).toBe(copy)
    expect(() => copy.groups.push({ id: 3 })).toThrow('not extensible')

    await set('map', { map: new Map([['a', 1]]), bytes: Buffer.from('bytes') })
    await heard(cache, 'map')
    const mine = await cache.get<{ map: Map<string, number>; bytes: Buffer }>('map')
    mine?.map.clear()
    mine?.bytes.fill(0)
    expect(await cache.get('map')).toEqual({ map: new Map([['a', 1]]), bytes: Buffer.from('bytes') })
  })

  it.each([
    ['a set', (other: ReturnType<typeof createCache>) => other.set('42', 'new')],
    ['a delete', (other: ReturnType<typeof createCache>) => other.delete('42')],
    ['a purge of its tag', (other: ReturnType<typeof createCache>) => other.invalidateTags(['another', 'org:7'])],
    ['a clear', (other: ReturnType<typeof createCache>) => other.clear()],
  ])('drops the copies of other processes after %s', async (_what, change) => {
    const { cache, other, heard } = await twoCaches()
    await cache.set('42', 'old', { tags: ['org:7'] })
    await heard(cache, '42')
    await change(other)
    while ((await cache.get('42')) === 'old') await new Promise(setImmediate)
    expect(['new', undefined]).toContain(await cache.get('42'))
  })

  it('drops its own copy before a write resolves', async () => {
    const { cache, heard } = await twoCaches()
    const changes = [
      () => cache.set('42', 'new'),
      () => cache.delete('42'),
      () => cache.invalidateTags(['org:7']),
      () => cache.clear(),
    ]
    for (const change of changes) {
      await cache.set('42', 'old', { tags: ['org:7'] })
      await heard(cache, '42')
      await change()
      expect(await cache.get('42')).not.toBe('old')
    }
  })

  it('keeps copies whose tags were not purged', async () => {
    const { cache, other, heard, calls, set } = await twoCaches()
    await set('kept', 'kept', { tags: ['org:8'] })
    await set('gone', 'gone', { tags: ['org:7'] })
    await heard(cache, 'kept')
    await heard(cache, 'gone')
    await other.invalidateTags(['org:7'])
    while ((await cache.get('gone')) === 'gone') await new Promise(setImmediate)
    const before = calls()
    expect(await cache.get('kept')).toBe('kept')
    expect(calls()).toBe(before)
  })

  it('asks for each value with strict, and is never wrong', async () => {
    const { cache, other, calls } = await twoCaches({ near: { strict: true } })
    await cache.set('42', { name: 'Ann' })
    const copy = await cache.get('42')
    const before = calls()
    expect(await cache.get('42')).toBe(copy)
    expect(calls()).toBe(before + 1)
    for (const name of ['Bob', 'Cid', 'Dan']) {
      await other.set('42', { name })
      expect(await cache.get('42')).toEqual({ name })
    }
    await other.clear()
    expect(await cache.get('42')).toBeUndefined()
  })
})
