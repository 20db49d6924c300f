import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import { createCache } from '../src/index.ts'
import { counter, stage, until } from './stage.ts'

eachAdapter((makeAdapter) => {
  const cacheOf = stage(makeAdapter)

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
})
