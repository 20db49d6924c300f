import { eachFramework } from '@holdfast/test/frameworks'
import { describe, expect, it } from '@jest/globals'
import { stage, until } from './stage.ts'

const MINUTE = { 'Cache-Control': 'max-age=60' }

eachFramework((framework) => {
  describe('a stale response', () => {
    it('is asked about by its own validators, and served on when the handler says that it is true', async () => {
      let version = 1
      const { get, clock, seen } = await stage(framework, ({ headers }) => {
        const etag = `"v${version}"`
        const common = { 'Cache-Control': 'max-age=60', ETag: etag, 'X-Seen': String(seen.length) }
        return headers['if-none-match'] === etag
          ? { status: 304, headers: common }
          : { headers: common, body: `version ${version}` }
      })
      await get()
      clock.advance(60_000)
      const validated = await get('/', { 'If-None-Match': '"v0"' })
      expect(validated).toMatchObject({ status: 200, body: 'version 1' })
      expect(validated.headers).toMatchObject({ 'x-seen': '2', 'cache-status': 'holdfast; fwd=stale; fwd-status=304; stored' })
      expect(seen[1]?.headers['if-none-match']).toBe('"v0"') // the client's, by now
      clock.advance(59_999)
      expect((await get('/', { 'If-None-Match': '"v1"' })).status).toBe(304)
      clock.advance(1)
      expect((await get('/', { 'If-None-Match': '"v1"' })).status).toBe(304)
      expect(seen).toHaveLength(3)
      version = 2
      clock.advance(60_000)
      const changed = await get()
      expect(changed).toMatchObject({ status: 200, body: 'version 2' })
      expect(changed.headers['cache-status']).toBe('holdfast; fwd=stale; fwd-status=200; stored')
    })

    it('keeps its tags when it is confirmed, and tells them with every answer', async () => {
      let asked = 0
      const { get, clock, cache } = await stage(
        framework,
        ({ headers }) => ({
          status: headers['if-none-match'] === undefined ? 200 : 304,
          headers: { ...MINUTE, ETag: '"v1"' },
        }),
        { options: { tags: () => (++asked === 1 ? ['page'] : []), tagHeaders: ['Cache-Tag'] } },
      )
      for (const status of ['fwd=uri-miss; stored', 'hit; ttl=60', 'fwd=stale; fwd-status=304; stored', 'hit; ttl=60']) {
        const { headers } = await get()
        expect([headers['cache-status'], headers['cache-tag']]).toEqual([`holdfast; ${status}`, 'page'])
        if (status.startsWith('hit')) clock.advance(60_000)
      }
      clock.advance(-30_000)
      expect((await get()).headers['cache-status']).toBe('holdfast; hit; ttl=30')
      await cache.invalidateTags(['page'])
      expect((await get()).headers['cache-status']).toBe('holdfast; fwd=uri-miss; stored')
    })

    it('goes on saying what it varies by, where a 304 says less, as one that compression leaves alone', async () => {
      const { get, clock } = await stage(framework, ({ headers }) => {
        const common = { ...MINUTE, ETag: '"v1"' }
        return headers['if-none-match'] === '"v1"'
          ? { status: 304, headers: { ...common, Vary: 'Origin' } }
          : { headers: { ...common, Vary: 'Origin, Accept-Encoding' }, body: headers['accept-encoding'] ?? 'plain' }
      })
      const zipped = { 'Accept-Encoding': 'gzip' }
      await get('/', zipped)
      clock.advance(60_000)
      for (const status of ['fwd=stale; fwd-status=304; stored', 'hit; ttl=60']) {
        const { body, headers } = await get('/', zipped)
        expect([body, headers['vary'], headers['cache-status']]).toEqual([
          'gzip',
          'Origin, Accept-Encoding',
          `holdfast; ${status}`,
        ])
      }
      expect((await get()).body).toBe('plain')
    })

    it('is not served in the place of what says that it is gone, and not afterwards', async () => {
      let isGone = false
      const { get, clock, cache } = await stage(
        framework,
        ({ next }) => {
          if (!isGone) return { headers: MINUTE, body: 'good' }
          if (framework.binding === 'node') return { status: 404, body: 'gone' }
          next(Object.assign(new Error('gone'), { status: 404 }))
          return undefined
        },
        { options: { staleWhileRevalidateMs: 10_000, staleIfErrorMs: 30_000 } },
      )
      for (const path of ['/', '/behind']) await get(path)
      isGone = true
      clock.advance(65_000)
      expect((await get('/behind')).body).toBe('good')
      await until(async () => (await cache.explain({ url: 'http://127.0.0.1/behind' })).state === 'pass')
      expect((await get('/behind')).status).toBe(404)
      clock.advance(10_000)
      expect((await get('/')).status).toBe(404)
    })

    it('depends from then on by the fields that the 304 which confirms it adds to Vary', async () => {
      const { get, clock, seen } = await stage(framework, ({ headers }) => {
        const isConfirmed = headers['if-none-match'] === '"1"'
        const common = { ...MINUTE, ETag: '"1"', ...(seen.length > 1 && { Vary: 'X-Lang' }) }
        return isConfirmed ? { status: 304, headers: common } : { headers: common, body: `in ${String(headers['x-lang'])}` }
      })
      await get('/', { 'X-Lang': 'de' })
      clock.advance(60_000)
      expect((await get('/', { 'X-Lang': 'de' })).body).toBe('in de')
      expect((await get('/', { 'X-Lang': 'en' })).body).toBe('in en')
      expect((await get('/', { 'X-Lang': 'de' })).body).toBe('in de')
      expect(seen).toHaveLength(3)
    })

    it('is served when making it anew fails, for as long as it may', async () => {
      let fails = false
      const { get, clock } = await stage(
        framework,
        ({ url, next }) => {
          if (!fails) return { headers: MINUTE, body: 'good' }
          if (url === '/503') return { status: 503, body: 'bad' }
          next(new Error('failed'))
          return undefined
        },
        { options: { staleIfErrorMs: 30_000 } },
      )
      for (const path of ['/503', '/throws']) await get(path)
      fails = true
      clock.advance(89_999)
      for (const path of ['/503', '/throws']) {
        const stale = await get(path)
        expect(stale).toMatchObject({ status: 200, body: 'good' })
        expect(stale.headers['cache-status']).toContain('detail=stale-if-error')
      }
      clock.advance(1)
      expect((await get('/503')).status).toBe(503)
      expect((await get('/throws')).status).toBe(500)
    })
  })
})
