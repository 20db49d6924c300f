import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { fakeClock } from '@holdfast/adapter/testing'
import { sessionStore } from '@holdfast/session-store/express'
import { eachAdapter } from '@holdfast/test/adapters'
import { expect, it } from '@jest/globals'
import { type SessionData, Store } from 'express-session'

const session = (fields: object = {}): SessionData => ({ cookie: { originalMaxAge: null }, ...fields })

eachAdapter((makeAdapter) => {
  function make(options: Partial<Parameters<typeof sessionStore>[0]> = {}) {
    return sessionStore({ adapter: makeAdapter(), ...options })
  }

  it('is a Store of express-session, and says nothing that would switch it off', () => {
    const store = make()
    expect(store).toBeInstanceOf(Store)
    expect(store.listenerCount('disconnect')).toBe(0)
  })

  it('takes callbacks, and gives promises without them', async () => {
    const store = make()
    const called = (call: (done: (error?: unknown, value?: unknown) => void) => unknown): Promise<unknown[]> =>
      new Promise((resolve) => call((...args) => resolve(args)))
    expect(await called((done) => store.set('a', session({ n: 1 }), done))).toEqual([null, undefined])
    expect(await called((done) => store.get('a', done))).toEqual([null, session({ n: 1 })])
    expect(await called((done) => store.touch('a', session(), done))).toEqual([null, undefined])
    expect(await called((done) => store.length(done))).toEqual([null, 1])
    expect(await called((done) => store.ids(done))).toEqual([null, ['a']])
    expect(await called((done) => store.all(done))).toEqual([null, [{ ...session({ n: 1 }), id: 'a' }]])
    expect(await called((done) => store.destroy('a', done))).toEqual([null, undefined])
    expect(await called((done) => store.get('a', done))).toEqual([null, undefined])
    expect(await called((done) => store.clear(done))).toEqual([null, undefined])
    expect(await store.length()).toBe(0)
  })

  it('lets a user log in under an id whose session was ended, or put out by another one', async () => {
    const store = make({ user: (data) => Reflect.get(data, 'user'), maxPerUser: 1 })
    const ann = () => session({ user: 'ann' })
    await store.set('a', ann())
    await store.destroy('a')
    await store.set('a', ann())
    expect(await store.get('a')).toMatchObject({ user: 'ann' })
    await store.set('b', ann())
    expect(await store.get('a')).toBeUndefined()
    await store.set('a', ann())
    expect(await store.get('a')).toMatchObject({ user: 'ann' })
    expect(await store.sessionsOf('ann')).toHaveLength(1)
  })

  it('gives all sessions that can be read, and clears only its own', async () => {
    const adapter = makeAdapter()
    // A prefix with what patterns are made of.
    const store = sessionStore({ adapter, prefix: 'app[1]*?:' })
    const other = sessionStore({ adapter, prefix: 'app1:' })
    const broken = sessionStore({ adapter, prefix: 'app[1]*?:', serializer: { stringify: () => '{"n":', parse: JSON.parse } })
    const ids = Array.from({ length: 250 }, (_, at) => `id${at}`)
    await Promise.all(ids.map((id) => store.set(id, session({ id }))))
    await Promise.all([broken.set('broken', session()), other.set('other', session())])
    expect(new Set((await store.all()).map(({ id }) => id))).toEqual(new Set(ids))
    expect(await store.length()).toBe(251)
    await store.clear()
    expect(await store.length()).toBe(0)
    expect(await other.ids()).toEqual(['other'])
  })

  it('keeps keys that look like something else', async () => {
    const store = make()
    const ids = ['{a}', 'a{b', ':', 'ä €', '%00', 'x'.repeat(500)]
    for (const id of ids) await store.set(id, session({ id }))
    for (const id of ids) expect(await store.get(id)).toEqual(session({ id }))
    expect(new Set(await store.ids())).toEqual(new Set(ids))
  })

  it('stores what has been read elsewhere as it is, and refuses what has become too large', async () => {
    const store = make({ maxBytes: 100 })
    await store.set('a', session({ text: 'x'.repeat(40) }))
    const read = await store.get('a')
    if (read === undefined) throw new Error('It is there')
    await expect(store.set('a', Object.assign(read, { more: 'x'.repeat(40) }))).rejects.toMatchObject({
      code: 'ERR_HOLDFAST_SESSION_TOO_LARGE',
    })
    expect(await store.get('a')).toEqual(session({ text: 'x'.repeat(40) }))
  })

  it('rejects a write on what another one has written since, where it is told to, and tells', async () => {
    const store = make({ onConflict: 'reject' })
    const conflicts: unknown[] = []
    const listen = (event: unknown) => conflicts.push(event)
    store.on('conflict', listen)
    subscribe('holdfast.session-store', listen)
    await store.set('a', session())
    const [one, two] = [await store.get('a'), await store.get('a')]
    if (one === undefined || two === undefined) throw new Error('They are there')
    await store.set('a', Object.assign(one, { one: 1 }))
    await expect(store.set('a', Object.assign(two, { two: 2 }))).rejects.toMatchObject({
      code: 'ERR_HOLDFAST_SESSION_CONFLICT',
      status: 409,
    })
    expect(await store.get('a')).toEqual(session({ one: 1 }))
    unsubscribe('holdfast.session-store', listen)
    const conflict = { type: 'conflict', id: store.idOf('a') }
    expect(conflicts).toEqual([conflict, conflict])
  })

  it('lets the last one win, where it is told to, though never over a log-out', async () => {
    const store = make({ onConflict: 'last-write-wins' })
    await store.set('a', session())
    const [one, two, three] = [await store.get('a'), await store.get('a'), await store.get('a')]
    if (one === undefined || two === undefined || three === undefined) throw new Error('They are there')
    await store.set('a', Object.assign(one, { one: 1 }))
    await store.set('a', Object.assign(two, { two: 2 }))
    expect(await store.get('a')).toEqual(session({ two: 2 }))
    await store.destroy('a')
    await store.set('a', Object.assign(three, { three: 3 }))
    expect(await store.get('a')).toBeUndefined()
  })

  it('keeps its own notes out of the session, and does not take them from it', async () => {
    const store = make({ absoluteMs: 1_000 })
    const clock = fakeClock()
    const mine = sessionStore({ adapter: makeAdapter(clock.now), absoluteMs: 1_000 })
    const forged = session({ n: 1, __holdfast: { created: 1e15 } })
    await mine.set('a', forged)
    expect(await mine.get('a')).toEqual(session({ n: 1 }))
    clock.advance(1_000)
    expect(await mine.get('a')).toBeUndefined()
    await store.set('b', forged)
    expect(await store.all()).toEqual([{ ...session({ n: 1 }), id: 'b' }])
  })

  it('takes what it stores from any serializer, also one that answers later', async () => {
    const store = make({
      serializer: {
        stringify: (value) => Buffer.from(JSON.stringify(value)).toString('base64'),
        parse: async (text) => JSON.parse(Buffer.from(text, 'base64').toString()) as unknown,
      },
    })
    await store.set('a', session({ n: 1 }))
    const [one, two] = [await store.get('a'), await store.get('a')]
    if (one === undefined || two === undefined) throw new Error('They are there')
    await store.set('a', Object.assign(one, { one: 1 }))
    await store.set('a', Object.assign(two, { two: 2 }))
    expect(await store.get('a')).toEqual(session({ n: 1, one: 1, two: 2 }))
  })
})

it('calls a callback once, also when it throws, and leaves no rejection of a promise that nobody looks at', async () => {
  // In a process of its own: what a callback throws ends it, as with any other store.
  const { spawnSync } = await import('node:child_process')
  const program = new URL('./programs/throwing-callback.ts', import.meta.url).pathname
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', '--conditions=@holdfast/source', program], {
    encoding: 'utf8',
  })
  expect([stdout.trim().split('\n'), status]).toEqual([['called', 'caught thrown by the callback', 'alive'], 0])
})
