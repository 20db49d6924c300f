import type { Adapter } from '@holdfast/adapter'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing, fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter, type RateLimiterOptions } from '@holdfast/rate-limit'
import { clientKey as keyOnExpress, rateLimit as onExpress } from '@holdfast/rate-limit/express'
import { clientKey as keyOnKoa, rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { clientKey as keyOnNode, rateLimit as onNode } from '@holdfast/rate-limit/node'
import { eachAdapter } from '@holdfast/test/adapters'
import { type Bindings, eachFramework } from '@holdfast/test/frameworks'
import { pipelined, request } from '@holdfast/test/raw-http'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseList } from 'structured-headers'

type Options = RateLimiterOptions & { headers?: 'draft' | false; ipv6Subnet?: number }

/** The same limit by its three bindings. */
function limited(...each: readonly Options[]): Bindings {
  return {
    node: () => each.map((options) => onNode(options)),
    express: () => each.map((options) => onExpress(options)),
    koa: () => each.map((options) => onKoa(options)),
  }
}

eachFramework((framework) => {
  eachAdapter((makeAdapter) => {
    async function serving(options: { limit: number; windowMs: number }) {
      const clock = fakeClock(Date.UTC(2025, 5, 1))
      const adapter = makeAdapter(clock.now)
      const served = await framework.serve({ gate: limited({ ...options, adapter }) })
      return { clock, ...served, end: served.close }
    }

    it('answers four GETs in one TCP write by 200 200 429 429', async () => {
      const { port, end } = await serving({ limit: 2, windowMs: 60_000 })
      const responses = await pipelined(port, [{}, {}, {}, {}])
      expect(responses.map(({ status }) => status)).toEqual([200, 200, 429, 429])
      expect(responses.map(({ headers }) => headers['ratelimit'])).toEqual([
        '"default";r=1;t=60',
        '"default";r=0;t=60',
        '"default";r=0;t=60',
        '"default";r=0;t=60',
      ])
      await end()
    })

    it('says what a client may do, and lets it pass after exactly Retry-After seconds', async () => {
      const { clock, port, end } = await serving({ limit: 1, windowMs: 90_000 })
      expect(await request(port)).toMatchObject({
        status: 200,
        headers: { 'ratelimit-policy': '"default";q=1;w=90' },
        body: 'hello',
      })
      clock.advance(30_001)
      const refused = await request(port)
      expect(refused).toMatchObject({
        status: 429,
        headers: {
          'retry-after': '60',
          'cache-control': 'no-store',
          'content-type': 'application/problem+json',
          ratelimit: '"default";r=0;t=60',
        },
      })
      expect(JSON.parse(refused.body)).toEqual({
        type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
        title: 'Too many requests',
        status: 429,
        'violated-policies': ['default'],
      })
      clock.advance(59_998)
      expect((await request(port)).headers['retry-after']).toBe('1')
      clock.advance(1)
      expect((await request(port)).status).toBe(200)
      await end()
    })
  })

  async function serve(...options: readonly Options[]) {
    return framework.serve({ gate: limited(...options), trustProxy: 1 })
  }

  it('lets a client pass after exactly Retry-After seconds, at any phase, by every algorithm', async () => {
    const algorithm = fc.constantFrom('sliding-window-log', 'sliding-window-counter', 'fixed-window', 'token-bucket')
    const clock = fakeClock(Date.UTC(2025, 5, 1))
    let turn = 0
    await fc.assert(
      fc.asyncProperty(
        algorithm,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 100, max: 20_000 }),
        fc.array(fc.nat(5_000), { minLength: 5, maxLength: 8 }),
        async (algorithm, limit, windowMs, pauses) => {
          turn += 1
          const options = { limit, windowMs, algorithm, name: String(turn) } as Options
          const { port, close } = await serve({ ...options, adapter: memoryAdapter({ now: clock.now }) })
          for (const pause of pauses) {
            clock.advance(pause)
            const { status, headers } = await request(port)
            if (status === 200) continue
            const seconds = Number(headers['retry-after'])
            expect(seconds).toBeGreaterThanOrEqual(1)
            clock.advance(seconds * 1_000)
            expect((await request(port)).status).toBe(200)
          }
          await close()
        },
      ),
      { numRuns: 20 },
    )
  })

  it('gives clients behind a trusted proxy quotas of their own, and a whole IPv6 /56 one', async () => {
    const { port } = await serve({ adapter: memoryAdapter(), limit: 1, windowMs: 60_000 })
    const from = (address: string) => request(port, { headers: { 'X-Forwarded-For': address } }).then(({ status }) => status)
    expect(await from('192.0.2.1')).toBe(200)
    expect(await from('::ffff:192.0.2.1')).toBe(429)
    expect(await from('192.0.2.2')).toBe(200)
    expect(await from('2001:db8:0:1200::1')).toBe(200)
    expect(await from('2001:db8:0:12ff:ffff::2')).toBe(429)
    expect(await from('2001:db8:0:1300::1')).toBe(200)
  })

  it('gives a key of an app to build on, which is the same client behind a trusted proxy', async () => {
    const limit = { adapter: memoryAdapter(), limit: 1, windowMs: 60_000 }
    const seen: string[] = []
    const noted = (key: string): string => `client ${seen.push(key)}`
    const { port } = await framework.serve({
      gate: {
        node: () => [onNode({ ...limit, key: (req) => noted(keyOnNode(req)) })],
        express: () => [onExpress({ ...limit, key: (req) => noted(keyOnExpress(req)) })],
        koa: () => [onKoa({ ...limit, key: (ctx) => noted(keyOnKoa(ctx)) })],
      },
      trustProxy: 1,
    })
    for (const address of ['192.0.2.1', '2001:db8:0:12ff::1']) await request(port, { headers: { 'X-Forwarded-For': address } })
    expect(seen).toEqual(['192.0.2.1', '2001:db8:0:1200::/56'])
  })

  it('answers an address that is none by an error, never by one quota for all', async () => {
    const { port } = await serve({ adapter: memoryAdapter(), limit: 1, windowMs: 60_000 })
    expect((await request(port, { headers: { 'X-Forwarded-For': 'not an address' } })).status).toBe(500)
    expect((await request(port)).status).toBe(200)
  })

  it('charges a request once, however often the limiter is mounted', async () => {
    const options = { adapter: memoryAdapter(), limit: 2, windowMs: 60_000 }
    const { port } = await serve(options, options)
    expect((await request(port)).headers['ratelimit']).toBe('"default";r=1;t=60')
  })

  it('charges a request by each of two keys', async () => {
    const options = { adapter: memoryAdapter(), limit: 2, windowMs: 60_000 }
    const { port } = await framework.serve({
      gate: {
        node: () => [onNode(options), onNode({ ...options, key: () => 'all' })],
        express: () => [onExpress(options), onExpress({ ...options, key: () => 'all' })],
        koa: () => [onKoa(options), onKoa({ ...options, key: () => 'all' })],
      },
      trustProxy: 1,
    })
    const from = (address: string) => request(port, { headers: { 'X-Forwarded-For': address } }).then(({ status }) => status)
    expect([await from('192.0.2.1'), await from('192.0.2.2'), await from('192.0.2.3')]).toEqual([200, 200, 429])
  })

  it('keeps its fields on the answer to a handler that fails', async () => {
    const gate = limited({ adapter: memoryAdapter(), limit: 2, windowMs: 60_000 })
    const { port } = await framework.serve({
      gate,
      handler: () => {
        throw new Error('on purpose')
      },
    })
    expect(await request(port)).toMatchObject({ status: 500, headers: { ratelimit: '"default";r=1;t=60' } })
  })

  it('sends no fields when it is told so, but Retry-After', async () => {
    const { port } = await serve({ adapter: memoryAdapter(), limit: 0, windowMs: 60_000, headers: false })
    const { status, headers } = await request(port)
    expect([status, headers['ratelimit'], headers['ratelimit-policy'], headers['retry-after']]).toEqual([
      429,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('writes fields that parse as structured fields', async () => {
    const policies = [
      { name: 'burst "quoted"', limit: 2, windowMs: 500 },
      { name: 'sustained', limit: 5, windowMs: 10_000, algorithm: 'fixed-window' as const },
    ]
    const { port } = await serve({ adapter: memoryAdapter(), policies })
    const { headers } = await request(port)
    const parsed = [headers['ratelimit-policy'], headers['ratelimit']].map((field) =>
      parseList(field ?? '').map(([name, parameters]) => [name, Object.fromEntries(parameters)]),
    )
    expect(parsed).toEqual([
      [
        ['burst "quoted"', { q: 2 }],
        ['sustained', { q: 5, w: 10 }],
      ],
      [
        ['burst "quoted"', { r: 1, t: 1 }],
        ['sustained', { r: 4, t: 10 }],
      ],
    ])
  })

  describe('while the adapter fails', () => {
    const broken = (): Adapter => failing(memoryAdapter())

    it('counts in this process alone by default', async () => {
      const { port } = await serve({ adapter: broken(), limit: 1, windowMs: 60_000 })
      expect((await pipelined(port, [{}, {}])).map(({ status }) => status)).toEqual([200, 429])
    })

    it('lets requests pass when it fails open', async () => {
      const { port } = await serve({ adapter: broken(), limit: 1, windowMs: 60_000, failure: 'open' })
      expect((await pipelined(port, [{}, {}])).map(({ status }) => status)).toEqual([200, 200])
    })

    it('answers 503 with Retry-After when it fails closed', async () => {
      const { port } = await serve({ adapter: broken(), limit: 1, windowMs: 60_000, failure: 'closed' })
      const { status, headers, body } = await request(port)
      expect([status, headers['retry-after'], headers['content-type']]).toEqual([503, '1', 'application/problem+json'])
      expect(JSON.parse(body).type).toMatch(/#temporary-reduced-capacity$/)
    })
  })

  it('shares the counts of an engine made elsewhere, which can forget them', async () => {
    const limiter = createRateLimiter({ adapter: memoryAdapter(), limit: 1, windowMs: 60_000 })
    const { port } = await framework.serve({
      gate: {
        node: () => [onNode({ limiter, key: () => 'key' })],
        express: () => [onExpress({ limiter, key: () => 'key' })],
        koa: () => [onKoa({ limiter, key: () => 'key' })],
      },
    })
    expect((await pipelined(port, [{}, {}])).map(({ status }) => status)).toEqual([200, 429])
    await limiter.reset('key')
    expect((await request(port)).status).toBe(200)
  })
})
