import { counting, fakeClock } from '@holdfast/adapter/testing'
import { sessionStore } from '@holdfast/session-store/express'
import { sessionStore as koaStore } from '@holdfast/session-store/koa'
import { eachAdapter } from '@holdfast/test/adapters'
import { describe, expect, it } from '@jest/globals'
import type { SessionData } from 'express-session'

const MINUTE_MS = 60_000
const KOA_SLACK_MS = 10_000

/** What it makes is no JSON. */
const PREFIXED = {
  stringify: (value: unknown): string => `v1:{"json":${JSON.stringify(value)}}`,
  parse: (text: string): unknown => JSON.parse(text.slice('v1:{"json":'.length, -1)),
}

/** A session as express-session hands it over; its cookie's end is by this process' clock. */
function session(originalMaxAge: number | null, fields: object = {}): SessionData {
  const expires = originalMaxAge === null ? null : new Date(Date.now() + originalMaxAge)
  return { cookie: { originalMaxAge, expires, httpOnly: true, path: '/' }, ...fields }
}

eachAdapter((makeAdapter) => {
  function stage(options: Partial<Parameters<typeof sessionStore>[0]> = {}) {
    const clock = fakeClock()
    const adapter = makeAdapter(clock.now)
    return { clock, adapter, store: sessionStore({ adapter, ...options }) }
  }

  describe('the end of a session', () => {
    it('is moved by every read, to the millisecond', async () => {
      const { clock, store } = stage()
      await store.set('id', session(MINUTE_MS))
      await store.get('id')
      clock.advance(MINUTE_MS - 1)
      expect(await store.get('id')).toBeDefined()
      clock.advance(MINUTE_MS - 1)
      expect(await store.get('id')).toBeDefined()
      clock.advance(MINUTE_MS)
      expect(await store.get('id')).toBeUndefined()
    })

    it('is in the cookie that is read, so that an explicit save later destroys nothing', async () => {
      const { clock, store } = stage()
      const written = session(MINUTE_MS)
      written.cookie.expires = new Date(Date.now() + 10_000)
      await store.set('id', written)
      clock.advance(1_000)
      const read = await store.get('id')
      const end = new Date(String(read?.cookie.expires)).getTime()
      expect(Math.abs(end - Date.now() - MINUTE_MS)).toBeLessThan(5_000)
      if (read !== undefined) await store.set('id', Object.assign(read, { n: 1 }))
      clock.advance(MINUTE_MS - 5_000)
      expect(await store.get('id')).toMatchObject({ n: 1 })
    })

    it('is ttlMs away where the cookie has none', async () => {
      const { clock, store } = stage({ ttlMs: 1_000 })
      await store.set('id', session(null))
      clock.advance(999)
      expect(await store.get('id')).toBeDefined()
      clock.advance(1_000)
      expect(await store.get('id')).toBeUndefined()
    })

    it('is what a ttlMs that is a function says, whatever the cookie says, and 0 destroys', async () => {
      const { clock, store } = stage({ ttlMs: (each) => ('ttl' in each ? Number(each.ttl) : 500) })
      await store.set('id', session(MINUTE_MS))
      const read = await store.get('id') // moves nothing: it cannot know by how much
      clock.advance(499)
      if (read !== undefined) await store.touch('id', read)
      clock.advance(499)
      expect(await store.get('id')).toBeDefined()
      await store.set('id', session(MINUTE_MS, { ttl: 0 }))
      expect(await store.get('id')).toBeUndefined()
    })

    it.each([
      ['a minute', MINUTE_MS],
      ['a week', 7 * 86_400_000],
    ])('is as the session says, also where Redis cannot read what a serializer makes: %s', async (_, maxAge) => {
      const { clock, adapter, store } = stage({ serializer: PREFIXED })
      await store.set('id', session(maxAge))
      const koa = koaStore({ adapter, serializer: PREFIXED, prefix: 'koa:' })
      await koa.set('id', { _expire: Date.now() + maxAge, _maxAge: maxAge, list: {} }, maxAge + KOA_SLACK_MS)
      const read = { express: () => store.get('id'), koa: () => koa.get('id', maxAge, { rolling: true }) }
      for (const get of Object.values(read)) expect(await get()).toBeDefined()
      clock.advance(maxAge - 1_000)
      for (const get of Object.values(read)) expect(await get()).toBeDefined()
      clock.advance(maxAge - 1_000)
      expect((await read.express())?.cookie.originalMaxAge).toBe(maxAge)
      expect((await read.koa())?.['_maxAge']).toBe(maxAge)
      clock.advance(maxAge + KOA_SLACK_MS)
      for (const get of Object.values(read)) expect(await get()).toBeUndefined()
    })

    it('is as the session says where encryption was turned on since, and Redis cannot read what a serializer makes', async () => {
      const { clock, adapter, store } = stage({ serializer: PREFIXED })
      await store.set('id', session(MINUTE_MS))
      const encrypting = sessionStore({ adapter, serializer: PREFIXED, encryptionKeys: ['a secret of at least 16'] })
      const read = await encrypting.get('id')
      expect(read).toBeDefined()
      await encrypting.touch('id', read ?? session(MINUTE_MS))
      clock.advance(MINUTE_MS)
      expect(await encrypting.get('id')).toBeUndefined()
    })

    it('stays where it is until touchAfterMs are lost', async () => {
      const { clock, store } = stage({ touchAfterMs: 600, ttlMs: 1_000 })
      await store.set('id', session(null))
      clock.advance(599)
      await store.get('id')
      clock.advance(401)
      expect(await store.get('id')).toBeUndefined()
      await store.set('id', session(null))
      clock.advance(600)
      await store.get('id')
      clock.advance(999)
      expect(await store.get('id')).toBeDefined()
    })

    it('is moved by no read and no touch with touchAfterMs: Infinity, and by a write', async () => {
      const { clock, store } = stage({ touchAfterMs: Infinity, ttlMs: 1_000 })
      await store.set('id', session(null))
      clock.advance(900)
      const read = await store.get('id')
      if (read === undefined) throw new Error('It is there')
      await store.touch('id', read)
      await store.set('id', Object.assign(read, { n: 1 }))
      clock.advance(999)
      const again = await store.get('id')
      expect(again).toMatchObject({ n: 1 })
      if (again !== undefined) await store.touch('id', again)
      clock.advance(1)
      expect(await store.get('id')).toBeUndefined()
    })

    it('comes after absoluteMs, whatever is read and written', async () => {
      const { clock, store } = stage({ absoluteMs: 2_500, ttlMs: 1_000 })
      await store.set('id', session(null))
      for (let n = 0; n < 3; n += 1) {
        clock.advance(800)
        const read = await store.get('id')
        if (read === undefined) throw new Error(`It is there after ${800 * (n + 1)} ms`)
        await store.set('id', Object.assign(read, { n }))
      }
      clock.advance(99)
      expect(await store.all()).toHaveLength(1)
      clock.advance(1)
      expect(await store.all()).toEqual([])
    })

    it('comes after absoluteMs for who only reads, and is in the cookie then', async () => {
      const { clock, store } = stage({ absoluteMs: 2_500 })
      await store.set('id', session(MINUTE_MS))
      clock.advance(1_500)
      const read = await store.get('id')
      expect(Number(new Date(String(read?.cookie.expires))) - Date.now()).toBeLessThanOrEqual(1_000)
      clock.advance(999)
      expect(await store.get('id')).toBeDefined()
      clock.advance(1)
      expect(await store.get('id')).toBeUndefined()
    })

    it('is the one that another request has set meanwhile, where this one has only changed a field', async () => {
      const { clock, store } = stage()
      await store.set('id', session(1_000))
      const [mine, theirs] = [await store.get('id'), await store.get('id')]
      if (mine === undefined || theirs === undefined) throw new Error('It is there')
      await store.set('id', Object.assign(theirs, session(MINUTE_MS)))
      await store.set('id', Object.assign(mine, { n: 1 }))
      const [stored] = await store.all() // as it is for other stores
      expect(Number(new Date(String(stored?.cookie.expires))) - Date.now()).toBeGreaterThan(MINUTE_MS - 5_000)
      clock.advance(MINUTE_MS - 5_000)
      expect(await store.get('id')).toMatchObject({ n: 1, cookie: { originalMaxAge: MINUTE_MS } })
    })

    it('is changed by a request that changes the maximum age, and nothing else', async () => {
      const { clock, store } = stage()
      await store.set('id', session(1_000, { n: 1 }))
      const read = await store.get('id')
      if (read !== undefined) await store.touch('id', Object.assign(read, session(MINUTE_MS)))
      clock.advance(MINUTE_MS - 5_000)
      expect(await store.get('id')).toMatchObject({ n: 1, cookie: { originalMaxAge: MINUTE_MS } })
    })

    it('is moved once more by a request that was slow, when it ends', async () => {
      const { clock, store } = stage()
      await store.set('id', session(MINUTE_MS))
      const read = await store.get('id')
      if (read === undefined) throw new Error('It is there')
      clock.advance(MINUTE_MS - 5_000)
      await store.touch('id', Object.assign(read, session(MINUTE_MS)))
      clock.advance(MINUTE_MS - 5_000)
      expect(await store.get('id')).toBeDefined()
    })

    it.each(['merge', 'reject', 'last-write-wins'] as const)(
      'is moved by a slow request that has changed nothing, which touches nothing of what others wrote, with %p',
      async (onConflict) => {
        const { clock, store } = stage({ onConflict })
        await store.set('id', session(MINUTE_MS))
        const [slow, saved, theirs] = [await store.get('id'), await store.get('id'), await store.get('id')]
        if (slow === undefined || saved === undefined || theirs === undefined) throw new Error('It is there')
        await store.set('id', Object.assign(theirs, session(10 * MINUTE_MS, { n: 1 })))
        clock.advance(MINUTE_MS - 5_000)
        await store.touch('id', Object.assign(slow, session(MINUTE_MS)))
        await store.set('id', Object.assign(saved, session(MINUTE_MS)))
        clock.advance(10 * MINUTE_MS - 5_000)
        expect(await store.get('id')).toMatchObject({ n: 1, cookie: { originalMaxAge: 10 * MINUTE_MS } })
      },
    )

    it('is not changed by the milliseconds that express-session loses', async () => {
      const { adapter } = stage()
      const counted = counting(adapter)
      const store = sessionStore({ adapter: counted })
      await store.set('id', session(MINUTE_MS))
      const read = await store.get('id')
      if (read === undefined) throw new Error('It is there')
      counted.reset()
      await store.touch('id', Object.assign(read, session(MINUTE_MS - 1)))
      expect(counted.counts.run).toBe(0)
      await store.set('id', Object.assign(read, session(MINUTE_MS - 1, { n: 1 })))
      expect(await store.all()).toMatchObject([{ n: 1, cookie: { originalMaxAge: MINUTE_MS } }])
    })

    it('is moved by an explicit save, which comes before express-session has touched the session', async () => {
      const { clock, store } = stage({ touchAfterMs: 50_000 })
      await store.set('id', session(MINUTE_MS))
      clock.advance(49_999)
      const read = await store.get('id')
      if (read === undefined) throw new Error('It is there')
      const live = store.createSession({ sessionID: 'id' } as never, read)
      await store.set('id', Object.assign(live, { n: 1 }))
      clock.advance(MINUTE_MS - 5_000)
      expect(await store.get('id')).toMatchObject({ n: 1 })
    })

    it('is moved by a save without changes that comes a second and more after the read, as from a socket that stays open', async () => {
      const { clock, adapter } = stage()
      const counted = counting(adapter)
      const store = sessionStore({ adapter: counted })
      await store.set('id', session(MINUTE_MS))
      const live = await store.get('id')
      if (live === undefined) throw new Error('It is there')
      for (let minutes = 0; minutes < 3; minutes += 1) {
        clock.advance(MINUTE_MS - 5_000)
        await store.set('id', Object.assign(live, session(MINUTE_MS)))
      }
      counted.reset()
      clock.advance(999)
      await store.set('id', Object.assign(live, session(MINUTE_MS)))
      expect(counted.counts.run).toBe(0)
      clock.advance(MINUTE_MS - 5_000)
      expect(await store.get('id')).toBeDefined()
    })

    it('is now for a cookie that has ended', async () => {
      const { store } = stage()
      await store.set('id', session(MINUTE_MS))
      await store.set('id', session(-1))
      expect(await store.get('id')).toBeUndefined()
    })

    it('is read from a cookie that says nothing sensible as if it said nothing', async () => {
      const { clock, store } = stage({ ttlMs: 1_000 })
      await store.set('id', { cookie: { originalMaxAge: null, expires: 'soon' } } as never)
      clock.advance(999)
      expect(await store.get('id')).toEqual({ cookie: { originalMaxAge: null, expires: null } })
    })
  })

  it("moves a koa session's end where rolling says so, in what is stored as well", async () => {
    const clock = fakeClock(Date.now())
    const store = koaStore({ adapter: makeAdapter(clock.now) })
    const end = clock.now() + MINUTE_MS
    const stored = { n: 1, _expire: end, _maxAge: MINUTE_MS }
    await store.set('id', stored, MINUTE_MS + 10_000)
    clock.advance(1_000)
    expect(await store.get('id', MINUTE_MS)).toEqual(stored)
    const rolled = await store.get('id', MINUTE_MS, { rolling: true })
    const moved = Number(rolled?.['_expire']) - end
    // By the clock of this process, which has not been moved.
    expect(Math.abs(moved)).toBeLessThan(5_000)
    clock.advance(MINUTE_MS + 9_999)
    expect(await store.get('id', MINUTE_MS)).toMatchObject({ n: 1, _expire: end + 1_000 })
    clock.advance(1)
    expect(await store.get('id', MINUTE_MS)).toBeUndefined()
  })
})
