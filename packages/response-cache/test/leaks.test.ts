import { bound, eachFramework } from '@holdfast/test/frameworks'
import { expect, it } from '@jest/globals'
import { cacheFor as cacheForOnNode, noCache as noCacheOnNode } from '../src/node.ts'
import { counting, stage } from './stage.ts'

const PUBLIC = { 'Cache-Control': 'public, max-age=60' }
const MINUTE = { 'Cache-Control': 'max-age=60' }

eachFramework((framework) => {
  const statusOf = (detail: string) => `holdfast; fwd=uri-miss; detail=${detail}`

  it.each([
    ['Cache-Control', 'no-store, max-age=60', 'no-store'],
    ['Cache-Control', 'private, max-age=60', 'private'],
    ['Set-Cookie', 'a=1', 'set-cookie'],
  ])('stores no response with %s: %s', async (name, value, detail) => {
    const { get, seen } = await stage(framework, counting({ ...MINUTE, [name]: value }))
    expect((await get()).headers['cache-status']).toBe(statusOf(detail))
    expect((await get()).headers['cache-status']).toBe('holdfast; fwd=uri-miss; detail=hit-for-miss')
    expect(seen).toHaveLength(2)
  })

  it("stores the next answer that may be for all, though the last one was one client's own", async () => {
    const { get } = await stage(framework, counting({ ...MINUTE, 'Content-Length': '6' }))
    const own = { Authorization: 'Basic YTpi' }
    for (const detail of ['authorization', 'hit-for-miss'])
      expect((await get('/', own)).headers['cache-status']).toBe(statusOf(detail))
    expect((await get()).headers['cache-status']).toBe('holdfast; fwd=uri-miss; stored; detail=hit-for-miss')
    let next = await get()
    while (!next.headers['cache-status']?.includes('; hit;')) next = await get() // it is stored after it is sent
    expect(next.body).toBe('made 3')
  })

  it("tries one in thirty-two of those that say who asks, where the last answer was one client's own", async () => {
    const { get } = await stage(framework, counting({ ...MINUTE, 'Content-Length': '6' }))
    await get('/', { Authorization: 'Basic YTpi' })
    for (let count = 1; count <= 32; count += 1) {
      const { headers } = await get('/', { Cookie: 'a=b' })
      expect(headers['cache-status']).toBe(`holdfast; fwd=uri-miss;${count === 32 ? ' stored;' : ''} detail=hit-for-miss`)
    }
  })

  it('stores no 429', async () => {
    const { get } = await stage(framework, counting(PUBLIC, { status: 429 }))
    expect((await get()).headers['cache-status']).toBe(statusOf('rate-limited'))
    expect((await get()).body).toBe('made 2')
  })

  it.each([
    ['max-age=60', false],
    ['public, max-age=60', true],
    ['s-maxage=60', true],
    ['must-revalidate, max-age=60', true],
  ])('shares the answer to a request with Authorization by %s: %s', async (control, isShared) => {
    const { get, seen } = await stage(framework, counting({ 'Cache-Control': control }))
    const first = await get('/', { Authorization: 'Basic YTpi' })
    if (!isShared) expect(first.headers['cache-status']).toBe(statusOf('authorization'))
    await get()
    expect(seen).toHaveLength(isShared ? 1 : 2)
  })

  it.each([
    ['Cookie', 'cookie-read'],
    ['Authorization', 'authorization-read'],
  ])('keeps for its client what was made by reading %s, whether or not the request has it', async (name, detail) => {
    const { get } = await stage(framework, ({ headers }) => ({
      headers: MINUTE,
      body: String(headers[name.toLowerCase()] ?? 'nobody'),
    }))
    expect((await get()).headers['cache-status']).toBe(statusOf(detail))
    expect((await get('/', { [name]: 'ann' })).body).toBe('ann')
    expect((await get('/', { [name]: 'bob' })).body).toBe('bob')
  })

  it.each<[string, (headers: object) => boolean]>([
    ['in', (headers) => 'cookie' in headers],
    ['hasOwnProperty', (headers) => Reflect.apply(headers.hasOwnProperty, headers, ['cookie'])],
    [
      'for and in',
      (headers) => {
        for (const name in headers) if (name === 'cookie') return true
        return false
      },
    ],
  ])('keeps for its client what was made by looking by %s whether there is a cookie', async (_, looks) => {
    const { get } = await stage(framework, ({ headers }) => ({ headers: MINUTE, body: looks(headers) ? 'known' : 'new' }))
    const first = await get()
    expect([first.body, first.headers['cache-status']]).toEqual([
      'new',
      expect.stringMatching(/detail=(cookie|authorization)-read/),
    ])
    expect((await get('/', { Cookie: 'a=1' })).body).toBe('known')
  })

  it('shows handlers the fields that a request has, and no others', async () => {
    const { get } = await stage(framework, ({ headers }) => ({
      json: [
        Object.hasOwn(headers, 'cookie'),
        structuredClone(headers),
        Object.getOwnPropertyNames(headers),
        'authorization' in headers,
      ],
    }))
    const fields = { host: expect.any(String), 'x-a': '1' }
    const [hasCookie, copy, names, isAuthorized] = JSON.parse((await get('/', { 'X-A': '1' })).body) as unknown[]
    expect([hasCookie, isAuthorized]).toEqual([false, false])
    expect(copy).toMatchObject(fields)
    expect(names).toEqual(Object.keys(copy as object))
  })

  it('shares it when the response says that it is public, or varies by it', async () => {
    for (const headers of [PUBLIC, { ...MINUTE, Vary: 'Cookie' }]) {
      const { get, seen } = await stage(framework, (asked) => ({ headers, body: asked.headers.cookie ?? 'nobody' }))
      await get('/', { Cookie: 'a=1' })
      expect((await get('/', { Cookie: 'a=1' })).body).toBe('a=1')
      expect(seen).toHaveLength(1)
      if ('Vary' in headers) expect((await get('/', { Cookie: 'a=2' })).body).toBe('a=2')
    }
  })

  it('leaves the request as it was, for whoever looks at it afterwards', async () => {
    const { get, seen } = await stage(framework, counting(MINUTE))
    await get('/', { Cookie: 'a=1' })
    expect(Object.getOwnPropertyDescriptor(seen[0]?.headers, 'cookie')).toMatchObject({ value: 'a=1', enumerable: true })
    expect(Object.hasOwn(seen[0]?.headers ?? {}, 'authorization')).toBe(false)
    expect(Object.hasOwn(seen[0]?.req ?? {}, 'user')).toBe(false)
  })

  it('has what is read in front of it count for nothing', async () => {
    const reader = bound(async (exchange, next) => {
      exchange.setHeader('X-Reader', exchange.headers.cookie ?? 'nobody')
      await next()
      expect(exchange.headers.cookie).toBeDefined() // as a logger reads it
    })
    const { get, seen } = await stage(framework, counting(MINUTE), { before: reader })
    await get('/', { Cookie: 'ann' })
    expect((await get('/', { Cookie: 'bob' })).headers).toMatchObject({ 'x-reader': 'bob' })
    expect(seen).toHaveLength(1)
  })

  it.each([
    ['Cache-Control', 'private'],
    ['Cache-Control', 'no-store'],
    ['Vary', 'Cookie'],
  ])('gives nobody else what a middleware in front has said %s: %s of', async (name, value) => {
    const before = bound((exchange, next) => {
      exchange.setHeader(name, value)
      return next()
    })
    const { get } = await stage(framework, counting(), { before, options: { ttlMs: 60_000 } })
    expect((await get('/', { Cookie: 'ann' })).headers[name.toLowerCase()]).toBe(value)
    expect((await get('/', { Cookie: 'bob' })).body).toBe('made 2')
  })

  it('gives the cookie of a 304 that confirms what is stored to its client alone', async () => {
    const { get, seen } = await stage(framework, ({ headers }) => {
      const common = { 'Cache-Control': 'max-age=0', ETag: '"1"' }
      if (headers['if-none-match'] === undefined) return { headers: common, body: 'for all' }
      return { status: 304, headers: { ...common, 'Set-Cookie': `a=${seen.length}` } }
    })
    await get()
    const second = await get()
    expect([second.status, second.body, second.headers['set-cookie']]).toEqual([200, 'for all', 'a=2'])
    expect((await get()).headers).not.toHaveProperty('set-cookie')
  })

  it('stores a private answer that began before it read: not the rest of it', async () => {
    const { get, seen } = await stage(framework, ({ res, headers }) => {
      res.writeHead(200, MINUTE)
      res.write('for ')
      res.end(headers.cookie ?? 'nobody')
      return undefined
    })
    await get('/', { Cookie: 'ann' })
    expect((await get('/', { Cookie: 'bob' })).body).toBe('for bob')
    expect(seen).toHaveLength(2)
  })

  if (framework.binding !== 'koa') {
    it('does as the handler says by cacheFor and noCache', async () => {
      const { get, clock, seen } = await stage(framework, ({ url, res }) => {
        if (url === '/never') noCacheOnNode(res)
        else cacheForOnNode(res, { ttlMs: 1_000 })
        if (url === '/fails') return { status: 500 }
        return { headers: MINUTE, body: url }
      })
      for (const path of ['/never', '/never', '/fails', '/fails', '/second', '/second']) await get(path)
      clock.advance(1_000)
      await get('/second')
      expect(seen.map(({ url }) => url)).toEqual(['/never', '/never', '/fails', '/fails', '/second', '/second'])
    })
  }
})
