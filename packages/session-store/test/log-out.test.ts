import { once } from 'node:events'
import { fakeClock } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { type Act, browser, closeServers, eachStage, gate } from './stage.ts'

closeServers()

eachStage((stage) => {
  eachAdapter((makeAdapter) => {
    /** One request is in flight, and has changed the session, while another one does something with it. */
    async function whileInFlight(act: Act) {
      const inFlight = gate()
      const adapter = makeAdapter()
      const app = await stage.serve({ adapter }, async (visit) => {
        if (visit.path === '/begin') visit.session['user'] = 'ann'
        else if (visit.path === '/slow') {
          visit.session['late'] = true
          await inFlight.pass()
        } else if (visit.path === '/do') return act(visit)
        return visit.session
      })
      const client = browser()
      await client.get(`${app.url}/begin`)
      const before = client.copy()
      const slow = client.copy().get(`${app.url}/slow`)
      await inFlight.reached
      await client.get(`${app.url}/do`)
      const dropped = once(app.store, 'dropped')
      inFlight.open()
      await Promise.all([slow, dropped])
      return { app, adapter, client, before }
    }

    it('stores nothing of a request that was in flight while another one logged out', async () => {
      const { app, adapter, before } = await whileInFlight((visit) => visit.logOut())
      expect((await before.copy().get(`${app.url}/`)).body).not.toHaveProperty('user')
      const keys: string[] = []
      for await (const key of adapter.scan(stage.prefix)) keys.push(key)
      expect(keys).toEqual([])
    })

    it('stores nothing under the old id of a request that was in flight while another one regenerated', async () => {
      const { app, client, before } = await whileInFlight(async (visit) => {
        await visit.regenerate()
        visit.session['user'] = 'bob'
      })
      expect((await before.copy().get(`${app.url}/`)).body).not.toHaveProperty('user')
      const { body } = await client.get(`${app.url}/`)
      expect(body).toMatchObject({ user: 'bob' })
      expect(body).not.toHaveProperty('late')
    })

    it('never gives a session by the id before a regenerate', async () => {
      const app = await stage.serve({ adapter: makeAdapter() }, async (visit) => {
        visit.session['seen'] = true
        if (visit.path === '/regenerate') {
          await visit.regenerate()
          visit.session['user'] = 'ann'
        }
        return visit.session
      })
      const client = browser()
      await client.get(`${app.url}/`)
      const old = client.copy()
      await client.get(`${app.url}/regenerate`)
      expect((await old.get(`${app.url}/`)).body).not.toHaveProperty('user')
      expect((await client.get(`${app.url}/`)).body).toHaveProperty('user')
    })

    it('leads from the id before a regenerate to the session for the grace, and tells who comes later', async () => {
      const clock = fakeClock(Date.now())
      const adapter = makeAdapter(clock.now)
      const app = await stage.serve({ adapter, regenerateGraceMs: 10_000, user: ({ user }) => user as string }, async (visit) => {
        if (visit.path === '/begin') visit.session['user'] = 'ann'
        if (visit.path === '/write') visit.session['late'] = true
        if (visit.path === '/regenerate') {
          const fields = { ...visit.session }
          await visit.regenerate()
          visit.session['user'] = fields['user']
          visit.session['step'] = 2
        }
        return visit.session
      })
      const client = browser()
      await client.get(`${app.url}/begin`)
      const [writing, late, later] = [client.copy(), client.copy(), client.copy()]
      await client.get(`${app.url}/regenerate`)

      clock.advance(9_999)
      const { body, cookies } = await late.get(`${app.url}/`)
      expect(body).toMatchObject({ user: 'ann', step: 2 })
      expect(cookies).not.toEqual([])
      expect(late.cookies).toEqual(client.cookies)
      expect((await client.get(`${app.url}/`)).cookies).toEqual([])
      expect((await writing.get(`${app.url}/write`)).body).toMatchObject({ user: 'ann', late: true })
      expect(writing.cookies).toEqual(client.cookies)
      expect((await client.get(`${app.url}/`)).body).toMatchObject({ late: true })

      clock.advance(1)
      const reused = once(app.store, 'reuse')
      expect((await later.get(`${app.url}/`)).body).not.toHaveProperty('user')
      expect(await reused).toEqual([{ type: 'reuse', id: expect.any(String), user: 'ann' }])
      expect((await client.get(`${app.url}/`)).body).toMatchObject({ user: 'ann', step: 2 })
    })

    it('ends a session also by the id before a regenerate, for the grace', async () => {
      const app = await stage.serve({ adapter: makeAdapter(), regenerateGraceMs: 10_000 }, async (visit) => {
        const { id } = visit
        if (visit.path === '/') return { id, ...visit.session }
        if (visit.path === '/regenerate') await visit.regenerate()
        visit.session['user'] = 'ann'
        return { id }
      })
      const client = browser()
      await client.get(`${app.url}/begin`)
      const { id } = (await client.get(`${app.url}/regenerate`)).body as { id: string }
      expect((await client.get(`${app.url}/`)).body).toMatchObject({ user: 'ann' })
      await app.store.destroy(id)
      expect((await client.get(`${app.url}/`)).body).not.toHaveProperty('user')
    })

    it('gives an empty session, and no cookie, by an old id whose session is not stored yet', async () => {
      const between = gate()
      const app = await stage.serve({ adapter: makeAdapter(), regenerateGraceMs: 10_000 }, async (visit) => {
        if (visit.path === '/begin') visit.session['user'] = 'ann'
        if (visit.path === '/write') visit.session['late'] = true
        if (visit.path !== '/regenerate') return visit.session
        await visit.regenerate()
        await between.pass()
        visit.session['user'] = 'bob'
        return visit.session
      })
      const client = browser()
      await client.get(`${app.url}/begin`)
      const late = client.copy()
      const regenerating = client.get(`${app.url}/regenerate`)
      await between.reached
      const before = new Map(late.cookies)
      const early = await late.get(`${app.url}/write`)
      // koa-session stores a session as it regenerates it, express-session at the end of the response.
      if (stage.name === 'express-session') {
        expect(early.body).not.toHaveProperty('user')
        expect(late.cookies).toEqual(before)
      }
      between.open()
      await regenerating
      expect((await late.get(`${app.url}/`)).body).toMatchObject({ user: 'bob' })
    })
  })
})
