import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { counting, failing, fakeClock } from '@holdfast/adapter/testing'
import { eachAdapter } from '@holdfast/test/adapters'
import { type AppHandler, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request, sent } from '@holdfast/test/raw-http'
import { describe, expect, it } from '@jest/globals'
import { idempotent, keyed, post } from './idempotent.ts'
import { deferred, published, until } from './stage.ts'

/** Answers with how often it was called. */
function counter(answer: (count: number) => ReturnType<AppHandler> = (count) => ({ status: 201, json: { count } })) {
  let count = 0
  return { handler: (() => answer(++count)) as AppHandler, count: () => count }
}

eachFramework((framework) => {
  eachAdapter((makeAdapter) => {
    async function serving(options: object = {}, handler: AppHandler = counter().handler) {
      const clock = fakeClock(1_750_000_000_000)
      const adapter = makeAdapter(clock.now)
      const served = await framework.serve({ gate: idempotent({ adapter, ...options }), handler })
      return { clock, adapter, ...served, end: served.close }
    }

    it('runs the handler once for five requests at once, and refuses the others while it runs', async () => {
      const [begun, working] = [deferred(), deferred()]
      const { handler, count } = counter(async () => {
        begun.resolve()
        await working.promise
        return { status: 201, json: { paid: true } }
      })
      const { port, end } = await serving({}, handler)
      let answered = 0
      const requests = [1, 2, 3, 4, 5].map(() => post(port).finally(() => (answered += 1)))
      const refused = await Promise.race(requests)
      expect([refused.status, refused.headers['retry-after'], refused.headers['content-type']]).toEqual([
        409,
        '10',
        'application/problem+json',
      ])
      expect(JSON.parse(refused.body)).toMatchObject({ status: 409, reason: 'in-progress' })
      await begun.promise
      await until(() => answered === 4)
      working.resolve()
      const responses = await Promise.all(requests)
      expect(responses.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409, 409])
      const replay = await post(port)
      expect([replay.status, replay.body, replay.headers['idempotent-replayed']]).toEqual([201, '{"paid":true}', 'true'])
      expect(count()).toBe(1)
      await end()
    })

    it('gives the same bytes to five requests at once that wait', async () => {
      const working = deferred()
      const { handler, count } = counter(async () => {
        await working.promise
        return { status: 201, body: Buffer.from([0, 255, 10]) }
      })
      const { port, end } = await serving({ inProgress: 'wait' }, handler)
      const requests = [1, 2, 3, 4, 5].map(() => post(port))
      await until(() => count() === 1)
      working.resolve()
      const responses = await Promise.all(requests)
      expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
      for (const { bytes } of responses) expect(bytes).toEqual(Buffer.from([0, 255, 10]))
      expect(responses.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(4)
      expect(count()).toBe(1)
      await end()
    })

    it('says that a key is used for something else, while it is worked on and afterwards', async () => {
      const working = deferred()
      const { handler, count } = counter(async () => {
        await working.promise
        return { json: {} }
      })
      const { port, end } = await serving({}, handler)
      const first = post(port)
      await until(() => count() === 1)
      const mismatch = await post(port, { body: '{"amount":6}' })
      expect(mismatch).toMatchObject({ status: 422, headers: { 'content-type': 'application/problem+json' } })
      expect(JSON.parse(mismatch.body)).toMatchObject({ status: 422, reason: 'mismatch' })
      working.resolve()
      await first
      expect((await post(port, { body: '{"amount":6}' })).status).toBe(422)
      expect((await post(port, { path: '/payments?dry=1' })).status).toBe(422)
      await end()
    })

    it('frees the key of a response that is not to be kept', async () => {
      const { handler } = counter((count) => ({ status: count === 1 ? 503 : 200, json: { count } }))
      const { port, end } = await serving({}, handler)
      expect((await post(port)).status).toBe(503)
      expect(await post(port, { body: 'something else' })).toMatchObject({ status: 200, body: '{"count":2}' })
      expect(await post(port, { body: 'something else' })).toMatchObject({ status: 200, body: '{"count":2}' })
      await end()
    })

    it('keeps a response for as long as it was told, to the millisecond', async () => {
      const { handler, count } = counter()
      const { clock, port, end } = await serving({ retentionMs: 60_000 }, handler)
      await post(port)
      clock.advance(59_999)
      expect((await post(port)).headers['idempotent-replayed']).toBe('true')
      clock.advance(1)
      expect((await post(port)).headers['idempotent-replayed']).toBeUndefined()
      expect(count()).toBe(2)
      await end()
    })
  })

  async function serve(options: object = {}, handler: AppHandler = counter().handler) {
    return framework.serve({ gate: idempotent({ adapter: memoryAdapter(), ...options }), handler })
  }

  describe('a key', () => {
    it.each([['""'], ['a b'], ['"a", "b"'], ['"unended'], ['']])(
      'that is %s is refused, without a call of the adapter',
      async (key) => {
        const adapter = counting(memoryAdapter())
        const { handler, count } = counter()
        const { port } = await serve({ adapter, docs: 'https://example.com/idempotency' }, handler)
        const refused = await post(port, { key })
        expect([
          refused.status,
          refused.headers['content-type'],
          refused.headers['link'],
          refused.headers['cache-control'],
        ]).toEqual([400, 'application/problem+json', '<https://example.com/idempotency>; rel="describedby"', 'no-store'])
        expect(JSON.parse(refused.body)).toEqual({
          title: 'Idempotency-Key is not valid',
          status: 400,
          detail: expect.stringMatching(/^Idempotency-Key: it is .*\.$/),
          reason: 'invalid',
        })
        expect([adapter.calls, count()]).toEqual([0, 0])
      },
    )

    it('that is on two lines is refused', async () => {
      const { port } = await serve()
      const headers = { 'idempotency-key': '"b"' }
      expect((await post(port, { key: '"a"', headers })).status).toBe(400)
    })

    it('without quotes is the same as in quotes, but where it is strict', async () => {
      const lenient = await serve()
      await post(lenient.port, { key: 'abc' })
      expect((await post(lenient.port, { key: '"abc";a=1' })).headers['idempotent-replayed']).toBe('true')
      const strict = await serve({ strict: true })
      expect((await post(strict.port, { key: 'abc' })).status).toBe(400)
      expect((await post(strict.port, { key: '"abc"' })).status).toBe(201)
    })

    it('that is missing passes, unless it is required', async () => {
      const { handler, count } = counter()
      const optional = await serve({}, handler)
      for (let time = 0; time < 2; time += 1) await request(optional.port, { method: 'POST', body: '{}' })
      expect(count()).toBe(2)
      const required = await serve({ required: true, header: 'X-Request-Key' })
      const refused = await request(required.port, { method: 'POST', body: '{}' })
      expect([refused.status, JSON.parse(refused.body)]).toEqual([
        400,
        {
          title: 'X-Request-Key is missing',
          status: 400,
          detail: expect.stringContaining('X-Request-Key'),
          reason: 'missing',
        },
      ])
      const key = { 'X-Request-Key': 'abc' }
      expect((await request(required.port, { method: 'POST', headers: key })).status).toBe(201)
      expect((await request(required.port, { method: 'POST', headers: key })).headers['idempotent-replayed']).toBe('true')
    })

    it('protects nothing where the request is skipped, and is not missed there', async () => {
      const { handler, count } = counter()
      const adapter = counting(memoryAdapter())
      const skip = async (native: unknown) => 'x-dry-run' in Object(native).headers
      const { port } = await serve({ adapter, required: true, skip }, handler)
      const headers = { 'X-Dry-Run': '1' }
      for (let time = 0; time < 2; time += 1) expect((await post(port, { headers })).status).toBe(201)
      expect((await request(port, { method: 'POST', headers })).status).toBe(201)
      expect([adapter.calls, count()]).toEqual([0, 3])
      await post(port)
      expect((await post(port)).headers['idempotent-replayed']).toBe('true')
      expect(count()).toBe(4)
      expect((await request(port, { method: 'POST' })).status).toBe(400)
    })

    it('is read of POST and PATCH, or of the methods that are given', async () => {
      const { port } = await serve()
      const statuses = async (method: string) => {
        const [first, second] = [
          await post(port, { method, path: `/${method}` }),
          await post(port, { method, path: `/${method}` }),
        ]
        return [first, second].map(({ headers }) => headers['idempotent-replayed'])
      }
      expect(await statuses('POST')).toEqual([undefined, 'true'])
      expect(await statuses('PATCH')).toEqual([undefined, 'true'])
      expect(await statuses('PUT')).toEqual([undefined, undefined])
      expect(await statuses('GET')).toEqual([undefined, undefined])
      const puts = await serve({ methods: ['PUT'] })
      await post(puts.port, { method: 'PUT' })
      expect((await post(puts.port, { method: 'PUT' })).headers['idempotent-replayed']).toBe('true')
    })

    it('is another for another user, route, method and name; and only a name, whatever is in it', async () => {
      const { handler, count } = counter()
      const adapter = memoryAdapter()
      let user = 'ann'
      const users = await serve({ adapter, scope: () => user }, handler)
      await post(users.port)
      user = 'bob'
      await post(users.port)
      await post(users.port, { path: '/refunds' })
      await post(users.port, { method: 'PATCH' })
      const named = await serve({ adapter, name: 'other', scope: () => user }, handler)
      await post(named.port)
      const everybody = await serve({ adapter }, handler)
      await post(everybody.port)
      await post(users.port, { path: '/p', key: 'a:b' })
      await post(users.port, { path: '/p:a', key: 'b' })
      for (const key of ['"sess:victim"', '"../../x"', '"bob\\",\\"POST"', '"}{"']) await post(users.port, { key })
      expect(count()).toBe(12)
      const keys: string[] = []
      for await (const key of adapter.scan('')) keys.push(key)
      expect(keys).toHaveLength(12)
      for (const key of keys) expect(key).toMatch(/^idempotency:(default|other):\{[^{}]+\}$/)
    })

    it('needs a user: where scope gives none, it is a bug that is not hidden', async () => {
      const { handler, count } = counter()
      const { port } = await serve({ scope: () => '' }, handler)
      expect((await post(port)).status).toBe(500)
      expect(count()).toBe(0)
    })
  })

  it('holds one key once, however often it is mounted', async () => {
    const { handler, count } = counter()
    const options = { adapter: memoryAdapter() }
    const { port } = await framework.serve({ gate: idempotent(options, options), handler })
    expect((await post(port)).status).toBe(201)
    expect((await post(port)).headers['idempotent-replayed']).toBe('true')
    expect(count()).toBe(1)
  })

  it('answers pipelined requests one by one', async () => {
    const { handler, count } = counter()
    const { port } = await serve({ inProgress: 'wait' }, handler)
    const body = '{"amount":5}'
    const responses = await pipelined(port, [keyed('a', { body }), keyed('a', { body }), keyed('b', { body })])
    expect(responses.map(({ body }) => body)).toEqual(['{"count":1}', '{"count":1}', expect.any(String)])
    expect(count()).toBe(2)
  })

  it('keeps the whole of what a handler does whose client has left', async () => {
    const working = deferred()
    const { handler, count } = counter(async () => {
      await working.promise
      return { status: 201, json: { paid: true } }
    })
    const { port } = await serve({}, handler)
    const socket = await sent(port, [keyed('a', { path: '/payments', body: '{}' })])
    await until(() => count() === 1)
    socket.destroy()
    await until(() => socket.closed)
    working.resolve()
    let replay = await post(port, { key: 'a', body: '{}' })
    while (replay.status === 409) replay = await post(port, { key: 'a', body: '{}' })
    expect([replay.status, replay.body, replay.headers['idempotent-replayed'], count()]).toEqual([
      201,
      '{"paid":true}',
      'true',
      1,
    ])
  })

  it('stops waiting for a run when the client has left', async () => {
    const { handler, count } = counter(() => new Promise(() => {}))
    const { port, stop } = await serve({ inProgress: 'wait', waitMs: 3_600_000 }, handler)
    const [first, second] = [await sent(port, [keyed('a')]), await sent(port, [keyed('a')])]
    await until(() => count() === 1)
    first.destroy()
    second.destroy()
    await stop()
    expect(count()).toBe(1)
  })

  describe('while the adapter fails', () => {
    const broken = (): Adapter => failing(memoryAdapter())

    it('runs nothing, and says when to come again', async () => {
      const { handler, count } = counter()
      const { port } = await serve({ adapter: broken() }, handler)
      const refused = await post(port)
      expect([refused.status, refused.headers['retry-after'], JSON.parse(refused.body).reason]).toEqual([503, '1', 'unavailable'])
      expect(count()).toBe(0)
    })

    it('runs everything where it is told so', async () => {
      const { handler, count } = counter()
      const { port } = await serve({ adapter: broken(), failure: 'open' }, handler)
      const events = await published('holdfast.idempotency', async () => {
        expect([(await post(port)).status, (await post(port)).status]).toEqual([201, 201])
      })
      expect(events).toEqual([1, 2].map(() => ({ name: 'default', key: '8e03978e', outcome: 'open' })))
      expect(count()).toBe(2)
    })

    it('gives the client its answer when it cannot be kept, and tells', async () => {
      const adapter = failing(memoryAdapter())
      adapter.recover()
      const { handler } = counter((count) => {
        adapter.fail()
        return { status: 201, json: { count } }
      })
      const { port } = await serve({ adapter }, handler)
      const failures = await published('holdfast.idempotency.failure', async () => {
        expect(await post(port)).toMatchObject({ status: 201, body: '{"count":1}' })
      })
      expect(failures).toMatchObject([{ name: 'default', key: '8e03978e', call: 'commit' }])
      adapter.recover()
      expect((await post(port)).status).toBe(409) // until it is kept
    })
  })
})
