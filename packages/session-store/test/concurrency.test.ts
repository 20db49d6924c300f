import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting } from '@holdfast/adapter/testing'
import { sessionStore } from '@holdfast/session-store/express'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import type { Request } from 'express'
import { browser, closeServers, eachStage, type Fields, gate, type Visit } from './stage.ts'

closeServers()

function increment(session: Fields): void {
  session['count'] = Number(session['count'] ?? 0) + 1
}

it('tries a write of many at once some times, not some times for each other one', async () => {
  const count = 100
  const adapter = counting(memoryAdapter())
  const store = sessionStore({ adapter })
  await store.set('id', { cookie: { originalMaxAge: null } })
  const read = await Promise.all(Array.from({ length: count }, () => store.get('id')))
  adapter.reset()
  const writes = read.flatMap((session, at) => (session ? [store.set('id', Object.assign(session, { [`field${at}`]: at }))] : []))
  await Promise.all(writes)
  expect(adapter.counts.run).toBeLessThanOrEqual(2 * count)
  expect(Object.keys((await store.get('id')) ?? {})).toHaveLength(count + 1)
})

it('keeps what an update stored while a save of the same request was on its way, and what others stored after it', async () => {
  const memory = memoryAdapter()
  const saving = gate()
  let isHeld = false
  const run: Adapter['run'] = async (operation, ...call) => {
    if (isHeld && operation.name === 'session.write') {
      isHeld = false
      await saving.pass()
    }
    return memory.run(operation, ...call)
  }
  const [store, other] = [sessionStore({ adapter: { ...memory, run } }), sessionStore({ adapter: memory })]
  const request = async (from: typeof store): Promise<Request> => {
    const req = { sessionID: 'id', sessionStore: from } as unknown as Request
    const data = await from.get('id')
    if (data !== undefined) req.session = from.createSession(req, data)
    return req
  }
  await store.set('id', { cookie: { originalMaxAge: null } })
  const [mine, theirs] = [await request(store), await request(other)]
  isHeld = true
  const saved = store.set('id', Object.assign(mine.session, { own: 1 }))
  await saving.reached
  await store.update(mine, (session) => increment(session))
  saving.open()
  await saved
  expect(mine.session).toMatchObject({ own: 1, count: 1 })
  await other.update(theirs, (session) => increment(session))
  await store.set('id', Object.assign(mine.session, { last: true }))
  expect(await store.get('id')).toMatchObject({ own: 1, count: 2, last: true })
})

eachStage((stage) => {
  eachAdapter((makeAdapter) => {
    /** @param act Also gets another request of the same session, which counts */
    async function answerOf(act: (visit: Visit, other: () => Promise<unknown>) => unknown): Promise<Fields> {
      const app = await stage.serve({ adapter: makeAdapter() }, async (visit) => {
        if (visit.path === '/begin') visit.session['begun'] = true
        if (visit.path === '/count') await visit.update(increment)
        if (visit.path === '/act') await act(visit, () => client.copy().get(`${app.url}/count`))
        return visit.session
      })
      const client = browser()
      await client.get(`${app.url}/begin`)
      expect((await client.get(`${app.url}/act`)).status).toBe(200)
      return (await client.get(`${app.url}/`)).body as Fields
    }

    it('loses nothing of what one request does at the same time', async () => {
      const fields = await answerOf(async (visit) => {
        const updates = Array.from({ length: 10 }, () => visit.update(increment))
        visit.session['own'] = 1
        await Promise.all([visit.save(), ...updates, visit.save()])
        visit.session['last'] = visit.session['count']
      })
      expect(fields).toMatchObject({ begun: true, own: 1, count: 10, last: 10 })
    })

    it('takes nothing back of what others wrote after an update, though a save of the same request was behind', async () => {
      const fields = await answerOf(async (visit, other) => {
        let saving: Promise<void> | undefined
        visit.session['own'] = 1
        await visit.update((session) => {
          increment(session)
          saving ??= new Promise(setImmediate).then(() => visit.save()) // while the update is on its way
        })
        await saving
        await other()
        visit.session['last'] = true
      })
      expect(fields).toMatchObject({ own: 1, count: 2, last: true })
    })

    it('ends an update that is made within another one', async () => {
      const fields = await answerOf(async ({ update }) => {
        await update(async (session) => {
          if (Number(session['tries'] ?? 0) === 0 && session['count'] === undefined) await update(increment)
          increment(session)
        })
      })
      expect(fields['count']).toBe(2)
    })

    it('stores nothing of an update that throws, and gives what it threw', async () => {
      const fields = await answerOf(async ({ update }) => {
        const thrown = update(() => {
          throw new Error('by the app')
        })
        await expect(thrown).rejects.toThrow('by the app')
      })
      expect(fields).not.toHaveProperty('count')
    })

    it('says so when there is nothing to update, as the session is gone', async () => {
      const adapter = makeAdapter()
      const app = await stage.serve({ adapter }, async (visit) => {
        if (visit.path === '/begin') return increment(visit.session)
        if (visit.path === '/act') await app.store.destroy(visit.id)
        else await visit.logOut()
        return visit.update(increment)
      })
      const client = browser()
      await client.get(`${app.url}/begin`)
      expect((await client.get(`${app.url}/act`)).body).toBe(false)
      expect((await client.get(`${app.url}/out`)).body).toBe(false)
    })

    it('knows whose a session is that an update has logged in', async () => {
      const options = { adapter: makeAdapter(), user: ({ user }: Fields) => user as string }
      const app = await stage.serve(options, async (visit) => {
        if (visit.path === '/begin') visit.session['begun'] = true
        if (visit.path !== '/in') return visit.session
        await visit.update((session) => Object.assign(session, { user: 'ann' }))
        return app.store.sessionsOf('ann')
      })
      await app.store.destroyAllOf('ann') // from now on a session of an earlier epoch is over
      const client = browser()
      await client.get(`${app.url}/begin`)
      expect((await client.get(`${app.url}/in`)).body).toHaveLength(1)
      expect((await client.get(`${app.url}/`)).body).toMatchObject({ begun: true, user: 'ann' })
      await app.store.destroyAllOf('ann')
      expect((await client.get(`${app.url}/`)).body).not.toHaveProperty('user')
    })
  })
})
