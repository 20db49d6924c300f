import { once } from 'node:events'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { eachAdapter } from '@holdfast/test/adapters'
import { eachFramework } from '@holdfast/test/frameworks'
import { sent } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import { createResponseCache } from '../src/index.ts'
import { cached, type Stage, stage, until } from './stage.ts'

const MINUTE = { 'Cache-Control': 'max-age=60' }

/** A handler that answers when it is let. */
function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

eachFramework((framework) => {
  it('keeps no response from being made and stored by others when its handler never ends', async () => {
    const { port, get, clock, seen } = await stage(
      framework,
      async () => (seen.length === 1 ? new Promise(() => {}) : { headers: MINUTE, body: 'made' }),
      { loadLeaseMs: 100 },
    )
    const first = await sent(port, [{}])
    await until(() => seen.length === 1)
    first.destroy()
    const handled: (string | undefined)[] = []
    for (let round = 0; round < 5; round += 1) {
      clock.advance(90) // a lease that is renewed does not end by this
      handled.push((await get()).headers['cache-status'])
    }
    expect(handled.at(-1)).toContain('hit')
  })

  it('does not wait for itself where it stands twice', async () => {
    const adapter = memoryAdapter()
    const before = cached(createResponseCache({ adapter, loadLeaseMs: 60_000 }))
    const { get, seen } = await stage(framework, () => ({ headers: MINUTE, body: 'made' }), {
      adapter: () => adapter,
      before,
      loadLeaseMs: 60_000,
    })
    expect((await get()).headers['cache-status']).toBe('holdfast; fwd=uri-miss; stored')
    expect((await get()).headers['cache-status']).toContain('hit')
    expect(seen).toHaveLength(1)
  })

  eachAdapter((makeAdapter) => {
    const staged = (...[handler, options]: [Parameters<typeof stage>[1], Parameters<typeof stage>[2]?]): Promise<Stage> =>
      stage(framework, handler, { ...options, adapter: makeAdapter })

    it('makes a response once for 50 clients that ask for it at once', async () => {
      const { open, opened } = gate()
      const { get, seen } = await staged(async () => {
        await opened
        return { headers: MINUTE, body: 'made once' }
      })
      const asking = Array.from({ length: 50 }, () => get('/page'))
      await until(() => seen.length > 0)
      open()
      const responses = await Promise.all(asking)
      expect(new Set(responses.map(({ body }) => body))).toEqual(new Set(['made once']))
      expect(seen).toHaveLength(1)
      const handled = responses.map(({ headers }) => headers['cache-status'])
      expect(handled.filter((status) => status === 'holdfast; fwd=uri-miss; stored')).toHaveLength(1)
      expect(handled.filter((status) => status?.includes('collapsed') || status?.includes('hit'))).toHaveLength(49)
    })

    it('makes each variant once', async () => {
      const { open, opened } = gate()
      const { get, seen } = await staged(async ({ headers }) => {
        const language = headers['accept-language']
        await opened
        return { headers: { ...MINUTE, Vary: 'Accept-Language' }, body: language ?? '' }
      })
      const languages = ['en', 'de', 'fr']
      const asking = Array.from({ length: 30 }, (_, index) => get('/', { 'Accept-Language': languages[index % 3] ?? '' }))
      await until(() => seen.length > 0)
      open()
      const bodies = (await Promise.all(asking)).map(({ body }) => body)
      expect(bodies).toEqual(Array.from({ length: 30 }, (_, index) => languages[index % 3]))
      expect(seen).toHaveLength(3)
    })

    it('gives nobody a variant that turns out to depend on more than those before it did', async () => {
      const { open, opened } = gate()
      const { get, seen } = await staged(async ({ headers }) => {
        if (headers['accept-language'] === 'en') return { headers: { ...MINUTE, Vary: 'Accept-Language' }, body: 'for all' }
        const who = headers.cookie
        await opened
        return { headers: { ...MINUTE, Vary: 'Accept-Language, Cookie' }, body: who ?? 'nobody' }
      })
      await get('/', { 'Accept-Language': 'en' })
      await until(async () => (await get('/', { 'Accept-Language': 'en' })).headers['cache-status']?.includes('hit') === true)
      const before = seen.length
      const asking = ['ann', 'bob', 'cy'].map((Cookie) => get('/', { 'Accept-Language': 'de', Cookie }))
      await until(() => seen.length > before)
      open()
      expect((await Promise.all(asking)).map(({ body }) => body)).toEqual(['ann', 'bob', 'cy'])
    })

    it('shares no private answer: those that wait go on at once, and later ones wait for nobody', async () => {
      let running = 0
      let most = 0
      const { open, opened } = gate()
      const { get, seen } = await staged(async ({ headers }) => {
        const who = headers.cookie
        running += 1
        most = Math.max(most, running)
        if (seen.length === 1) await opened
        else await until(() => running === 9)
        return { headers: MINUTE, body: who ?? 'nobody' }
      })
      const asking = Array.from({ length: 10 }, (_, index) => get('/me', { Cookie: `user=${index}` }))
      await until(() => seen.length > 0)
      open()
      running = 0
      expect((await Promise.all(asking)).map(({ body }) => body)).toEqual(
        Array.from({ length: 10 }, (_, index) => `user=${index}`),
      )
      expect(most).toBe(9)
    })

    it('gives everybody an answer when the handler fails', async () => {
      const { get } = await staged(({ next }) => {
        next(new Error('failed'))
        return undefined
      })
      const statuses = (await Promise.all(Array.from({ length: 10 }, () => get()))).map(({ status }) => status)
      expect(statuses).toEqual(Array.from({ length: 10 }, () => 500))
    })

    it('goes on when the client leaves for whom it is made', async () => {
      const { open, opened } = gate()
      const { get, seen, port } = await staged(async () => {
        await opened
        return { headers: MINUTE, body: 'made' }
      })
      const leaver = await sent(port, [{}])
      await until(() => seen.length === 1)
      const followers = [get(), get()]
      leaver.destroy()
      await once(leaver, 'close')
      open()
      expect((await Promise.all(followers)).map(({ body }) => body)).toEqual(['made', 'made'])
      expect(seen).toHaveLength(1)
    })

    it('stores no half of a response', async () => {
      const { get, seen } = await staged(({ res }) => {
        res.writeHead(200, { ...MINUTE, 'Content-Length': '10' })
        res.write('half')
        if (seen.length === 1) res.destroy()
        else res.end(' whole')
        return undefined
      })
      await expect(get()).rejects.toThrow(/ended after 0|ECONNRESET/)
      expect((await get()).body).toBe('half whole')
      expect((await get()).body).toBe('half whole')
      expect(seen).toHaveLength(2)
    })

    it('does not bring back what was purged while it was made', async () => {
      const purges = [
        (cache: Stage['cache']) => cache.invalidateUrl('http://127.0.0.1/'),
        (cache: Stage['cache']) => cache.invalidateTags(['product:7']),
        (cache: Stage['cache']) => cache.clear(),
      ]
      for (const [purge, isMarked] of purges.flatMap((each) => [[each, false] as const, [each, true] as const])) {
        const { open, opened } = gate()
        let version = 1
        let began = 0
        const { get, cache } = await staged(
          async ({ headers }) => {
            const body = `version ${version}`
            if (headers['x-private'] !== undefined) return { headers: { 'Cache-Control': 'private' }, body }
            began += 1
            if (began === 1) await opened
            return { headers: MINUTE, body }
          },
          { options: { tags: () => ['product:7'] } },
        )
        if (isMarked) {
          await get('/', { 'X-Private': '1' })
          await until(async () => (await cache.explain({ url: 'http://127.0.0.1/' })).state === 'pass')
        }
        const old = get()
        await until(() => began === 1)
        version = 2
        await purge(cache)
        const during = get()
        open()
        expect((await old).body).toBe('version 1')
        expect((await during).body).toBe('version 2')
        expect((await get()).body).toBe('version 2')
      }
    })
  })
})
