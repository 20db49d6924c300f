import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting, failing, fakeClock, handClock } from '@holdfast/adapter/testing'
import { front } from '@holdfast/http/node'
import { createLocks, type Lock, LockLostError } from '@holdfast/lock'
import { getLock as fromExpress, serialize as onExpress, type SerializeOptions } from '@holdfast/lock/express'
import { getLock as fromKoa, serialize as onKoa } from '@holdfast/lock/koa'
import { getLock as fromNode, serialize as onNode } from '@holdfast/lock/node'
import { eachAdapter } from '@holdfast/test/adapters'
import { type AppHandler, type Bindings, bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request, sent } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import express from 'express'
import Koa from 'koa'

type Options = Omit<SerializeOptions<unknown>, 'key' | 'skip'>

/** One request at a time for each path; `held` gets the lock of each. */
function serialized(
  options: Options,
  held: (lock: Lock | undefined, headers: IncomingHttpHeaders) => void = () => {},
  suffix = '',
): Bindings {
  return {
    node: () => [
      onNode({ ...options, key: ({ url }) => url + suffix }),
      (req, _res, next) => {
        held(fromNode(req), req.headers)
        next()
      },
    ],
    express: () => [
      onExpress({ ...options, key: ({ url }) => url + suffix }),
      (req, _res, next) => {
        held(fromExpress(req), req.headers)
        next()
      },
    ],
    koa: () => [
      onKoa({ ...options, key: ({ url }) => url + suffix }),
      (ctx, next) => {
        held(fromKoa(ctx), ctx.headers)
        return next()
      },
    ],
  }
}

/** Something that happens when it is let. */
function gate() {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

const FREE_MS = 15_000

eachFramework((framework) => {
  async function whenFree(adapter: Adapter, key: string): Promise<void> {
    const lock = await createLocks({ adapter }).acquire(key, { waitMs: FREE_MS })
    await lock.release()
  }

  eachAdapter((makeAdapter) => {
    it('lets one request of a key at a time through, in their order, and others beside them', async () => {
      const adapter = makeAdapter()
      const at = new Map<string, number>()
      let most = 0
      const fences = new Set<string>()
      const { port } = await framework.serve({
        gate: serialized({ adapter }, (lock) => fences.add(`${lock?.key} ${lock?.fence}`)),
        async handler({ url }) {
          const now = (at.get(url) ?? 0) + 1
          at.set(url, now)
          most = Math.max(most, now)
          await adapter.get('something')
          at.set(url, now - 1)
          return { body: url }
        },
      })
      const paths = Array.from({ length: 20 }, (_, index) => `/${index % 2}`)
      const responses = await Promise.all(paths.map((path) => request(port, { path })))
      expect(responses.map(({ status, body }) => [status, body])).toEqual(paths.map((path) => [200, path]))
      expect(most).toBe(1)
      const together = await pipelined(port, [{ path: '/p' }, { path: '/p' }, { path: '/p' }])
      expect(together.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(fences.size).toBe(23)
    })

    it('lets no transfer be lost between two servers, and gives each a greater fence than the one before', async () => {
      const adapter = makeAdapter()
      let [balance, seen, moved] = [10, 0, 0]
      const handler: AppHandler = async ({ headers }) => {
        const [before, fence] = [balance, Number(headers['x-fence'])]
        await adapter.get('something')
        if (before === 0 || fence <= seen) return { status: 409 }
        balance = before - 1
        seen = fence
        moved += 1
        return { body: 'moved' }
      }
      const gate = serialized({ adapter, name: 'accounts' }, (lock, headers) => {
        headers['x-fence'] = String(lock?.fence)
      })
      const [one, other] = [await framework.serve({ gate, handler }), await framework.serve({ gate, handler })]
      const responses = await Promise.all(Array.from({ length: 15 }, (_, at) => request(at % 2 ? one.port : other.port)))
      expect([balance, moved]).toEqual([0, 10])
      expect(responses.filter(({ status }) => status === 200)).toHaveLength(10)
    })

    it('refuses with 409 where it does not wait, and lets the next one in once the first has ended', async () => {
      const adapter = makeAdapter()
      const [arrived, working] = [gate(), gate()]
      const handler: AppHandler = async () => {
        arrived.open()
        await working.opened
        return { body: 'done' }
      }
      const { port } = await framework.serve({ gate: serialized({ adapter, onBusy: 'reject' }), handler })
      const first = request(port)
      await arrived.opened
      const refused = await request(port)
      expect(refused).toMatchObject({
        status: 409,
        headers: { 'retry-after': '1', 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
      })
      expect(JSON.parse(refused.body)).toMatchObject({ title: 'Conflict', status: 409 })
      working.open()
      expect((await first).status).toBe(200)
      expect((await request(port)).status).toBe(200) // its client asks again at once: the lock is given back before the answer is out
    })
  })

  it('refuses with 409 who has waited for waitMs', async () => {
    const adapter = memoryAdapter()
    const held = await createLocks({ adapter }).acquire('/')
    const { port } = await framework.serve({ gate: serialized({ adapter, waitMs: 20, retryAfterMs: 2_001 }) })
    expect(await request(port)).toMatchObject({ status: 409, headers: { 'retry-after': '3' } })
    await held.release()
    expect((await request(port)).status).toBe(200)
  })

  it('leaves the line when the client leaves: its handler never runs', async () => {
    const adapter = memoryAdapter()
    const held = await createLocks({ adapter }).acquire('/')
    const ran: string[] = []
    const left = gate()
    const listening: Adapter = {
      ...adapter,
      run: (operation, key, args, options) => {
        if (operation.name === 'lease.release') left.open()
        return adapter.run(operation, key, args, options)
      },
    }
    const errors: unknown[] = []
    const watching: Bindings = {
      ...bound(),
      koa: () => [(_ctx, next) => next().catch((error: unknown) => void errors.push(error))],
    }
    const { port } = await framework.serve({
      gate: chained(watching, serialized({ adapter: listening, waitMs: 60_000 })),
      handler: ({ headers }) => {
        ran.push(String(headers['x-name']))
        return { body: 'done' }
      },
    })
    const socket = await sent(port, [{ headers: { 'X-Name': 'left' } }])
    while ((await createLocks({ adapter }).tryAcquire('another')) === undefined) await new Promise(setImmediate)
    socket.destroy()
    const patient = request(port, { headers: { 'X-Name': 'patient' } })
    await left.opened
    await held.release()
    expect((await patient).status).toBe(200)
    expect(ran).toEqual(['patient'])
    expect(errors).toEqual([])
  })

  it('frees the key when a handler throws', async () => {
    const adapter = memoryAdapter()
    const { port } = await framework.serve({
      gate: serialized({ adapter }),
      handler({ headers, next }) {
        if (headers['x-fail'] !== undefined) next(new Error('a bug'))
        return headers['x-fail'] === undefined ? { body: 'done' } : undefined
      },
    })
    expect((await request(port, { headers: { 'X-Fail': '1' } })).status).toBe(500)
    expect((await request(port)).status).toBe(200)
  })

  it('keeps the key for a handler that works on after its client has left, until it has ended', async () => {
    const adapter = memoryAdapter()
    const [arrived, working, left] = [gate(), gate(), gate()]
    const { port } = await framework.serve({
      gate: serialized({ adapter }),
      async handler({ req }) {
        req.socket.once('close', left.open)
        arrived.open()
        await working.opened
        return { body: 'nobody reads this' }
      },
    })
    const socket = await sent(port, [{}])
    await arrived.opened
    socket.destroy()
    await left.opened
    await new Promise(setImmediate)
    expect(await createLocks({ adapter }).tryAcquire('/')).toBeUndefined()
    working.open()
    await whenFree(adapter, '/')
  })

  it('frees the key at the end of the lease when the client has left and the handler never ends, and tells that handler', async () => {
    const clock = fakeClock(1_700_000_000_000)
    const alarms = handClock(clock.advance)
    const adapter = memoryAdapter({ now: clock.now })
    const [arrived, left] = [gate(), gate()]
    let lock: Lock | undefined
    const { port } = await framework.serve({
      gate: serialized({ adapter, leaseMs: 3_000, alarms }, (held) => {
        lock = held
      }),
      handler({ req }) {
        req.socket.once('close', left.open)
        arrived.open()
        return new Promise(() => {})
      },
    })
    const locks = createLocks({ adapter, alarms })
    const socket = await sent(port, [{}])
    await arrived.opened
    await alarms.advance(10_000)
    expect(lock?.isHeld()).toBe(true)
    socket.destroy()
    await left.opened
    await new Promise(setImmediate)
    await alarms.advance(1_500)
    expect(lock?.isHeld()).toBe(true)
    await alarms.advance(1_500)
    expect(lock?.signal.reason).toBeInstanceOf(LockLostError)
    expect(await locks.tryAcquire('/')).toBeDefined()
  })

  it('tells a handler by its signal that the lease was lost', async () => {
    const clock = fakeClock(1_700_000_000_000)
    const alarms = handClock(clock.advance)
    const adapter = failing(memoryAdapter({ now: clock.now }))
    adapter.recover()
    const arrived = gate()
    let lock: Lock | undefined
    const { port } = await framework.serve({
      gate: serialized({ adapter, leaseMs: 3_000, alarms }, (held) => {
        lock = held
      }),
      async handler() {
        arrived.open()
        await new Promise((resolve) => lock?.signal.addEventListener('abort', resolve))
        return { status: 500, body: 'stopped' }
      },
    })
    const response = request(port)
    await arrived.opened
    adapter.fail()
    await alarms.advance(3_000)
    expect(await response).toMatchObject({ status: 500, body: 'stopped' })
  })

  it('refuses with 503 while the adapter fails, or lets pass where it fails open', async () => {
    const adapter = failing(memoryAdapter())
    const closed = await framework.serve({ gate: serialized({ adapter }) })
    expect(await request(closed.port)).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', 'content-type': 'application/problem+json' },
    })
    const open = await framework.serve({ gate: serialized({ adapter, failure: 'open' }) })
    expect((await request(open.port)).status).toBe(200)
    adapter.recover()
    expect((await request(closed.port)).status).toBe(200)
  })

  it('passes a bug on, and takes it for no failure of the adapter', async () => {
    const adapter: Adapter = { ...memoryAdapter(), run: () => Promise.reject(new TypeError('a bug')) }
    const { port } = await framework.serve({ gate: serialized({ adapter, failure: 'open' }) })
    expect((await request(port)).status).toBe(500)
  })

  it('does not wait for itself where it is mounted twice', async () => {
    const options = { adapter: memoryAdapter(), waitMs: 60_000, key: () => 'one' }
    const { port } = await framework.serve({
      gate: {
        node: () => [onNode(options), onNode(options), onNode({ ...options, skip: () => true, key: () => '' })],
        express: () => [onExpress(options), onExpress(options)],
        koa: () => [onKoa(options), onKoa(options)],
      },
    })
    expect((await request(port)).status).toBe(200)
    expect((await request(port)).status).toBe(200)
  })

  it('takes a key again that it had and lost, and what is another by its key, name or adapter', async () => {
    const clock = fakeClock(1_700_000_000_000)
    const alarms = handClock(clock.advance)
    const options = { adapter: memoryAdapter({ now: clock.now }), leaseMs: 3_000, alarms }
    const locks: (Lock | undefined)[] = []
    const note = (lock: Lock | undefined): void => void locks.push(lock)
    const { port } = await framework.serve({
      gate: chained(
        serialized(options, (lock) => {
          note(lock)
          alarms.skip(3_000)
        }),
        serialized(options, note),
        serialized({ ...options, name: 'another' }, note),
        serialized({ ...options, adapter: memoryAdapter() }, note),
        serialized(options, note, '/another'),
        serialized(options, note), // it has this one, and takes none
      ),
    })
    expect((await request(port)).status).toBe(200)
    expect(locks.map((lock) => lock?.key)).toEqual(['/', '/', '/', '/', '//another', '//another'])
    expect(new Set(locks).size).toBe(5)
  })

  it.each<[what: string, key: () => string | string[] | undefined]>([
    [
      'that throws',
      () => {
        throw new Error('no such account')
      },
    ],
    ['that is missing', () => undefined],
    ['that is a list', () => ['a', 'b']],
    ['that is empty', () => ''],
  ])('answers a key %s by an error, and asks for nothing', async (_what, key) => {
    const adapter = counting(memoryAdapter())
    const { port } = await framework.serve({
      gate: {
        node: () => [onNode({ adapter, key })],
        express: () => [onExpress({ adapter, key })],
        koa: () => [onKoa({ adapter, key })],
      },
    })
    expect((await request(port)).status).toBe(500)
    expect(adapter.calls).toBe(0)
  })
})

it('leaves the parameters of a route of Express to the handlers beside it, in types as well', async () => {
  const one = onExpress({ adapter: memoryAdapter(), key: (req) => req.params.id })
  const app = express().post('/accounts/:id', one, (req, res) => {
    const { id }: { id: string } = req.params
    res.send(id)
  })
  const server = app.listen(0, '127.0.0.1')
  expect(await request(await portOf(server), { method: 'POST', path: '/accounts/42' })).toMatchObject({ status: 200, body: '42' })
  server.close()
})

it('does not wait for itself in front of Koa and in it, and says in both which lock it has', async () => {
  const options = { adapter: memoryAdapter(), key: () => 'one', onBusy: 'reject' } as const
  const app = new Koa().use(onKoa(options)).use((ctx) => {
    ctx.body = [fromKoa(ctx)?.key, fromNode(ctx.req)?.key]
  })
  const koa = app.callback()
  const listener = front([onNode(options)], (req, res) => void koa(req, res))
  const server = createServer(listener).listen(0, '127.0.0.1')
  expect(await request(await portOf(server))).toMatchObject({ status: 200, body: '["one","one"]' })
  server.close()
})

async function portOf(server: Server): Promise<number> {
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}
