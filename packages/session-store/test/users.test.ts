import { once } from 'node:events'
import { type FakeClock, fakeClock } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { type Act, type Browser, browser, closeServers, eachStage, gate, type StoreOptions } from './stage.ts'

closeServers()

const HOUR_MS = 3_600_000
const byUser: Pick<StoreOptions, 'user' | 'describe'> = {
  user: ({ user }) => user as string | undefined,
  describe: ({ device }) => ({ device }),
}

eachStage((stage) => {
  eachAdapter((makeAdapter) => {
    interface Site {
      readonly clock: FakeClock
      readonly url: string
      readonly plainUrl: string
      readonly store: Awaited<ReturnType<typeof stage.serve>>['store']
      logIn(device: string): Promise<Browser>
      userOf(client: Browser): Promise<unknown>
    }

    /** An app, and one on the same sessions that keeps no list. */
    async function site(options: Partial<StoreOptions> = {}, more: Act = () => {}): Promise<Site> {
      const clock = fakeClock(Date.now())
      const adapter = makeAdapter(clock.now)
      const act: Act = async (visit) => {
        const { path, session } = visit
        if (path.startsWith('/in/')) Object.assign(session, { user: 'ann', device: path.slice(4) })
        else await more(visit)
        return { id: visit.id, user: visit.session?.['user'] }
      }
      const { url, store } = await stage.serve({ adapter, ...byUser, ...options }, act, { maxAge: HOUR_MS })
      const { hashIds } = options
      const { url: plainUrl } = await stage.serve({ adapter, ...(hashIds && { hashIds }) }, act, { maxAge: HOUR_MS })
      const userOf = async (client: Browser) => ((await client.get(`${url}/`)).body as { user?: unknown }).user
      return {
        clock,
        url,
        plainUrl,
        store,
        userOf,
        async logIn(device) {
          const client = browser()
          await client.get(`${url}/in/${device}`)
          return client
        },
      }
    }

    it('lists three parallel log-ins, the oldest first, with when they were begun and seen', async () => {
      const { clock, store, logIn, userOf } = await site()
      const begun = clock.now()
      const clients = await Promise.all(['phone', 'laptop', 'tv'].map(logIn))
      clock.advance(1_000)
      if (clients[1] !== undefined) await userOf(clients[1])
      clock.advance(1)
      await logIn('car')
      const sessions = await store.sessionsOf('ann')
      expect(
        sessions
          .map(({ description }) => (description as { device: string }).device)
          .slice(0, 3)
          .toSorted(),
      ).toEqual(['laptop', 'phone', 'tv'])
      expect(sessions[3]).toEqual({
        id: expect.any(String),
        created: begun + 1_001,
        lastSeen: begun + 1_001,
        description: { device: 'car' },
      })
      expect(sessions.filter(({ lastSeen }) => lastSeen === begun + 1_000)).toHaveLength(1)
      expect(await store.sessionsOf('bob')).toEqual([])
    })

    it('logs a user out everywhere but here, also of sessions that the list has missed', async () => {
      const { store, logIn, userOf, url, plainUrl } = await site()
      const [here, there] = [await logIn('here'), await logIn('there')]
      const missed = browser()
      await missed.get(`${plainUrl}/in/missed`)
      expect(await store.sessionsOf('ann')).toHaveLength(2)
      const { id } = (await here.get(`${url}/`)).body as { id: string }
      expect(await store.destroyAllOf('ann', { except: id })).toBe(1)
      expect(await Promise.all([here, there, missed].map(userOf))).toEqual(['ann', undefined, undefined])
      expect((await store.sessionsOf('ann')).map((each) => each.id)).toEqual([store.idOf(id)])
      expect(await userOf(await logIn('again'))).toBe('ann')
    })

    it('logs out everywhere without a word of exception', async () => {
      const { store, logIn, userOf } = await site()
      const clients = [await logIn('a'), await logIn('b')]
      expect(await store.destroyAllOf('ann')).toBe(2)
      expect(await Promise.all(clients.map(userOf))).toEqual([undefined, undefined])
      expect(await store.sessionsOf('ann')).toEqual([])
      expect(await store.destroyAllOf('nobody')).toBe(0)
    })

    it('ends one session by its name on the list', async () => {
      const { store, logIn, userOf } = await site()
      const clients = [await logIn('a'), await logIn('b')]
      const [first] = await store.sessionsOf('ann')
      expect(await store.destroyOf('ann', first?.id ?? '')).toBe(true)
      expect(await store.destroyOf('ann', first?.id ?? '')).toBe(false)
      expect((await Promise.all(clients.map(userOf))).filter((user) => user === 'ann')).toHaveLength(1)
      expect(await store.sessionsOf('ann')).toHaveLength(1)
    })

    it('lets no request that was in flight while its user was logged out everywhere write the session back', async () => {
      const inFlight = gate()
      const { store, logIn, userOf, url } = await site({}, async ({ path, session }) => {
        if (path !== '/slow') return
        session['late'] = true
        await inFlight.pass()
      })
      const client = await logIn('a')
      const slow = client.copy().get(`${url}/slow`)
      await inFlight.reached
      await store.destroyAllOf('ann')
      inFlight.open()
      await slow
      expect(await userOf(client)).toBeUndefined()
      expect(await store.sessionsOf('ann')).toEqual([])
    })

    it('puts out the oldest session over maxPerUser, and tells', async () => {
      const { store, logIn, userOf, clock } = await site({ maxPerUser: 2 })
      const first = await logIn('a')
      clock.advance(1)
      const second = await logIn('b')
      clock.advance(1)
      const evicted = once(store, 'evicted')
      const third = await logIn('c')
      expect(await evicted).toEqual([{ type: 'evicted', id: expect.any(String), user: 'ann' }])
      expect(await Promise.all([first, second, third].map(userOf))).toEqual([undefined, 'ann', 'ann'])
    })

    it('has no more than maxPerUser sessions after parallel log-ins', async () => {
      const { store, logIn, userOf } = await site({ maxPerUser: 2 })
      const clients = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(logIn))
      expect(await store.sessionsOf('ann')).toHaveLength(2)
      expect((await Promise.all(clients.map(userOf))).filter((user) => user === 'ann')).toHaveLength(2)
    })

    it("refuses a log-in over maxPerUser with onMax: 'reject', until another one ends", async () => {
      const { store, logIn, userOf, url, clock } = await site(
        { maxPerUser: 1, onMax: 'reject' },
        async ({ path, session, save, logOut }) => {
          if (path === '/out') await logOut()
          if (path === '/become') session['user'] = 'bob'
          if (path !== '/in-and-save') return
          session['user'] = 'ann'
          await save()
        },
      )
      const first = await logIn('a')
      const refused = await browser().get(`${url}/in-and-save`)
      expect([refused.status, refused.body]).toEqual([
        403,
        stage.name === 'koa-session' ? expect.anything() : { code: 'ERR_HOLDFAST_SESSION_LIMIT' },
      ])
      expect(await userOf(first)).toBe('ann')
      await first.get(`${url}/out`)
      const second = browser()
      expect((await second.get(`${url}/in-and-save`)).status).toBe(200)
      await second.get(`${url}/become`)
      expect((await browser().get(`${url}/in-and-save`)).status).toBe(200)
      clock.advance(HOUR_MS + 10_000)
      expect((await browser().get(`${url}/in-and-save`)).status).toBe(200)
      expect(await store.sessionsOf('ann')).toHaveLength(1)
    })

    it.each([{}, { hashIds: 'a secret of at least 16' }])(
      "lets a user log in where one of maxPerUser is only listed, with onMax: 'reject' and %p",
      async (options) => {
        const { clock, logIn, plainUrl, store, userOf } = await site(
          { maxPerUser: 1, onMax: 'reject', ...options },
          async ({ path, logOut }) => {
            if (path === '/out') await logOut()
          },
        )
        const first = await logIn('a')
        await first.get(`${plainUrl}/out`) // by an app that keeps no list
        clock.advance(4_999)
        expect(await userOf(await logIn('b'))).toBeUndefined()
        clock.advance(1)
        expect(await userOf(await logIn('c'))).toBe('ann')
        expect(await store.sessionsOf('ann')).toHaveLength(1)
      },
    )

    it("counts a session that is still under the name of another store, with onMax: 'reject' and hashIds", async () => {
      const clock = fakeClock(Date.now())
      const adapter = makeAdapter(clock.now)
      const act: Act = ({ path, session }) => {
        if (path === '/in') session['user'] = 'ann'
        return session['user']
      }
      const limits = { hashIds: 'a secret of at least 16', maxPerUser: 1, onMax: 'reject' as const }
      const [other, { url }] = [await stage.serve({ adapter }, act), await stage.serve({ adapter, ...byUser, ...limits }, act)]
      const [first, second] = [browser(), browser()]
      await first.get(`${other.url}/in`)
      expect((await first.get(url)).body).toBe('ann')
      clock.advance(5_000)
      await second.get(`${url}/in`)
      expect((await second.get(url)).body).not.toBe('ann')
      expect((await first.get(url)).body).toBe('ann')
    })

    it("keeps a user's list, whatever another store has let a client write where the store's own notes are", async () => {
      const act: Act = ({ session }) => void Object.assign(session, { user: 'ann', n: Math.random() })
      for (const created of [-1, Date.now() - 0.5]) {
        const adapter = makeAdapter()
        const forged = (session: unknown) => JSON.stringify({ ...Object(session), __holdfast: { created } })
        const serializer = { stringify: forged, parse: JSON.parse }
        const other = await stage.serve({ adapter, serializer }, act)
        const { url, store } = await stage.serve({ adapter, absoluteMs: 60_000, ...byUser }, act)
        const client = browser()
        await client.get(other.url)
        expect((await client.get(url)).status).toBe(200)
        expect(await store.sessionsOf('ann')).toHaveLength(1)
      }
    })

    it('forgets sessions that end, by themselves or by a log-out, and whoever logs out of one as someone else', async () => {
      const { store, logIn, url, clock } = await site({}, async ({ path, session, logOut }) => {
        if (path === '/out') await logOut()
        if (path === '/become') session['user'] = 'bob'
      })
      const [first, second] = [await logIn('a'), await logIn('b')]
      await first.get(`${url}/out`)
      expect(await store.sessionsOf('ann')).toHaveLength(1)
      await second.get(`${url}/become`)
      expect(await store.sessionsOf('ann')).toEqual([])
      expect(await store.sessionsOf('bob')).toHaveLength(1)
      await logIn('c')
      clock.advance(HOUR_MS + 9_000)
      await logIn('d')
      clock.advance(1_000)
      expect(await store.sessionsOf('ann')).toHaveLength(1)
    })

    it('keeps a session on the list for as long as it has been made to live', async () => {
      const { store, logIn, url, clock } = await site({}, ({ path, session }) => {
        if (path !== '/remember') return
        if (stage.name === 'koa-session') Reflect.set(session, 'maxAge', 24 * HOUR_MS)
        else Reflect.set(session['cookie'] as object, 'maxAge', 24 * HOUR_MS)
      })
      const client = await logIn('a')
      await client.get(`${url}/remember`)
      clock.advance(20 * HOUR_MS)
      expect(await store.sessionsOf('ann')).toHaveLength(1)
      expect(await store.destroyAllOf('ann')).toBe(1)
    })

    it('logs out everywhere but here where the request came by the id before a regenerate, during its grace', async () => {
      const { store, url, logIn, userOf } = await site({ regenerateGraceMs: 1_000 }, async (visit) => {
        if (visit.path === '/all') await store.destroyAllOf('ann', { except: visit.id })
        if (visit.path !== '/regenerate') return
        await visit.regenerate()
        visit.session['user'] = 'ann'
      })
      const client = await logIn('a')
      const late = client.copy()
      await client.get(`${url}/regenerate`)
      await late.get(`${url}/all`)
      expect(await userOf(client)).toBe('ann')
    })

    it('lists the sessions of a user whose id is a number, as an app without types asks for them', async () => {
      const act: Act = ({ session }) => void Object.assign(session, { user: 42 })
      const { url, store } = await stage.serve({ adapter: makeAdapter(), user: ({ user }) => user as string }, act)
      await browser().get(url)
      const id: unknown = 42
      expect(await store.sessionsOf(id as string)).toHaveLength(1)
    })

    it('throws where nobody is asked for, or what is to stay is misspelt: all or no sessions would be over', async () => {
      const { store } = await stage.serve({ adapter: makeAdapter(), ...byUser }, () => {})
      const call = async (method: (...args: never[]) => unknown, ...args: unknown[]) => Reflect.apply(method, store, args)
      await expect(call(store.sessionsOf, undefined)).rejects.toThrow('sessionsOf takes a user as a string, got undefined')
      await expect(call(store.destroyAllOf, { id: 1 })).rejects.toThrow('destroyAllOf takes a user as a string, got an object')
      await expect(call(store.destroyOf, null, 'id')).rejects.toThrow('destroyOf takes a user as a string, got null')
      await expect(call(store.destroyAllOf, 'ann', { exept: 'id' })).rejects.toThrow(
        'Unknown option "exept" of destroyAllOf: there are except',
      )
      await expect(call(store.destroyAllOf, 'ann', 'id')).rejects.toThrow(
        'The options of destroyAllOf must be an object, got a string',
      )
    })

    it('throws where it is asked for lists that are not kept', async () => {
      const { store } = await stage.serve({ adapter: makeAdapter() }, () => {})
      await expect(store.sessionsOf('ann')).rejects.toThrow('sessionsOf needs the option user')
      await expect(store.destroyAllOf('ann')).rejects.toThrow('destroyAllOf needs the option user')
      await expect(store.destroyOf('ann', 'id')).rejects.toThrow('destroyOf needs the option user')
    })
  })
})
