import { bound, eachFramework } from '@holdfast/test/frameworks'
import { pipelined } from '@holdfast/test/raw-http'
import { describe, expect, it } from '@jest/globals'
import { counting, stage } from './stage.ts'

const MINUTE = { 'Cache-Control': 'max-age=60' }
/** The quota of one client, by the names that it has had. */
const QUOTA = { ratelimit: '"default";r=1;t=9', 'ratelimit-remaining': '4', 'x-ratelimit-limit': '5', 'x-rate-limit-reset': '9' }

eachFramework((framework) => {
  describe('what is stored', () => {
    it('is served for as long as it says, byte for byte, with its Date and its Age', async () => {
      const { get, clock, seen } = await stage(
        framework,
        counting({ ...MINUTE, 'X-Own': ['a', 'b'], 'Content-Type': 'text/x-test' }),
      )
      const first = await get('/page?b=1&a=2')
      expect(first).toMatchObject({ status: 200, body: 'made 1' })
      expect(first.headers['cache-status']).toBe('holdfast; fwd=uri-miss; stored')
      expect(first.headers['age']).toBeUndefined()
      clock.advance(59_999)
      const again = await get('/page?b=1&a=2')
      expect(again).toMatchObject({ status: 200, body: 'made 1' })
      expect(again.headers).toMatchObject({
        age: '59',
        'cache-status': 'holdfast; hit; ttl=0',
        'x-own': 'a, b',
        date: first.headers['date'],
        'content-type': first.headers['content-type'],
      })
      clock.advance(1)
      expect((await get('/page?b=1&a=2')).body).toBe('made 2')
      expect(seen).toHaveLength(2)
    })

    it('is nothing without being told', async () => {
      const { get } = await stage(framework, counting())
      expect((await get()).headers['cache-status']).toBe('holdfast; fwd=uri-miss; detail=no-freshness')
      expect((await get()).body).toBe('made 2')
    })

    it('is each 200 by ttlMs, but what says otherwise, and no other status', async () => {
      const { get } = await stage(
        framework,
        ({ url }) => {
          if (url === '/fails') return { status: 404, body: String(Math.random()) }
          if (url === '/own') return { headers: { 'Cache-Control': 'no-store' }, body: String(Math.random()) }
          return { body: String(Math.random()) }
        },
        { options: { ttlMs: 60_000 } },
      )
      for (const [path, isSame] of [
        ['/', true],
        ['/fails', false],
        ['/own', false],
      ] as const) {
        const bodies = [await get(path), await get(path)].map(({ body }) => body)
        expect(bodies[0] === bodies[1]).toBe(isSame)
      }
    })

    it('answers a HEAD, which itself stores nothing', async () => {
      const { ask, get, seen } = await stage(framework, counting(MINUTE))
      expect((await ask({ method: 'HEAD' })).headers['cache-status']).toBe('holdfast; fwd=uri-miss')
      await get()
      const head = await ask({ method: 'HEAD' })
      expect(head).toMatchObject({ status: 200, body: '' })
      expect(head.headers).toMatchObject({ 'content-length': '6', 'cache-status': 'holdfast; hit; ttl=60' })
      expect(seen.map(({ method }) => method)).toEqual(['HEAD', 'GET'])
    })

    it('has empty answers, redirects and errors too, when they say so', async () => {
      const statuses = [204, 301, 302, 404, 410, 500]
      const { get, seen } = await stage(framework, ({ url }) => ({
        status: Number(url.slice(1)),
        headers: { ...MINUTE, ...(url.startsWith('/3') && { Location: '/elsewhere' }) },
        ...(url === '/204' ? {} : { body: 'text' }),
      }))
      for (const status of statuses) {
        const [first, second] = [await get(`/${status}`), await get(`/${status}`)]
        expect([first.status, second.status]).toEqual([status, status])
        expect(second.body).toBe(first.body)
        expect(second.headers['location']).toBe(first.headers['location'])
      }
      expect(seen).toHaveLength(statuses.length)
    })

    it('keeps what stands in front of the cache for each request, and no field of one connection or one quota', async () => {
      let count = 0
      const { get } = await stage(
        framework,
        () => ({
          headers: { ...MINUTE, ...QUOTA, Connection: 'X-Hop', 'X-Hop': '1' },
          body: 'x',
        }),
        {
          before: bound((exchange, next) => {
            exchange.setHeader('X-Request-Id', String(++count))
            return next()
          }),
        },
      )
      expect((await get()).headers).toMatchObject({ 'x-request-id': '1', 'x-hop': '1', ...QUOTA })
      const { headers } = await get()
      expect(headers['x-request-id']).toBe('2')
      for (const name of ['x-hop', ...Object.keys(QUOTA)]) expect(headers).not.toHaveProperty(name)
    })

    it('is found again by pipelined requests, in their order', async () => {
      const { port, seen } = await stage(framework, counting(MINUTE))
      const bodies = (await pipelined(port, [{ path: '/a' }, { path: '/b' }, { path: '/a' }, { path: '/b' }])).map(
        ({ body }) => body,
      )
      expect(bodies).toEqual(['made 1', 'made 2', 'made 1', 'made 2'])
      expect(seen).toHaveLength(2)
    })

    it('is not for a GET with content, nor comes of one', async () => {
      const { get, ask } = await stage(framework, counting(MINUTE))
      expect((await ask({ body: 'a' })).headers['cache-status']).toBe('holdfast; fwd=bypass')
      expect((await get()).body).toBe('made 2')
      expect((await ask({ body: 'b' })).body).toBe('made 3')
      expect((await ask({ body: '' })).body).toBe('made 2')
    })

    it('is made anew for who bypasses the cache, and what comes of it is stored for all', async () => {
      let bypasses = false
      const { get, seen } = await stage(framework, counting(MINUTE), { options: { bypass: () => bypasses } })
      for (const body of ['made 1', 'made 1']) expect((await get()).body).toBe(body)
      bypasses = true
      const anew = await get()
      expect(anew.body).toBe('made 2')
      expect(anew.headers['cache-status']).toBe('holdfast; fwd=bypass; stored')
      bypasses = false
      while ((await get()).body !== 'made 2'); // it is stored after it is sent
      expect(seen).toHaveLength(2)
    })

    it('is bounded: a body over maxBytes goes out whole, and is not stored', async () => {
      const { get } = await stage(framework, () => ({ headers: MINUTE, body: 'x'.repeat(1_001) }), {
        options: { maxBytes: 1_000 },
      })
      expect((await get()).body).toHaveLength(1_001)
      expect((await get()).headers['cache-status']).toBe('holdfast; fwd=uri-miss; detail=hit-for-miss')
    })
  })

  describe('a client that asks whether it has it already', () => {
    const ETAG = { ...MINUTE, ETag: '"v1"', 'Last-Modified': 'Wed, 01 Jan 2025 00:00:00 GMT' }

    it.each([
      ['If-None-Match', '"v0", W/"v1"'],
      ['If-None-Match', '*'],
      ['If-Modified-Since', 'Wed, 01 Jan 2025 00:00:00 GMT'],
    ])('gets a 304 by %s: %s, of what is stored and of what is made', async (name, value) => {
      const { get, seen } = await stage(framework, counting(ETAG))
      const made = await get('/', { [name]: value })
      expect(made).toMatchObject({ status: 304, body: '' })
      expect(made.headers).toMatchObject({ etag: '"v1"', 'cache-status': 'holdfast; fwd=uri-miss; stored' })
      const stored = await get('/', { [name]: value })
      expect(stored).toMatchObject({ status: 304, body: '' })
      expect(stored.headers).toMatchObject({ etag: '"v1"', 'cache-status': 'holdfast; hit; ttl=60' })
      expect((await get()).body).toBe('made 1')
      expect(seen).toHaveLength(1)
      expect(seen[0]?.headers[name.toLowerCase()]).toBe(value) // put back
    })

    it('gets what was made for it alone, where nothing says since when that has been so', async () => {
      const { get } = await stage(framework, counting({ 'Cache-Control': 'no-store' }))
      const ahead = { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' } // by a clock of its own
      expect(await get('/', ahead)).toMatchObject({ status: 200, body: 'made 1' })
    })

    it('gets all of it when it has not', async () => {
      const { get } = await stage(framework, counting(ETAG))
      await get()
      expect(await get('/', { 'If-None-Match': '"v0"', 'If-Modified-Since': 'Wed, 01 Jan 2025 00:00:00 GMT' })).toMatchObject({
        status: 200,
        body: 'made 1',
      })
    })
  })

  describe('a part', () => {
    const WHOLE = { ...MINUTE, ETag: '"v1"' }

    it("is the handler's to make where nothing is stored, and keeps nobody from storing the whole", async () => {
      const { get, seen } = await stage(framework, ({ headers }) =>
        headers.range === undefined
          ? { headers: WHOLE, body: '0123456789' }
          : { status: 206, headers: { ...WHOLE, 'Content-Range': 'bytes 0-1/10' }, body: '01' },
      )
      const part = await get('/', { Range: 'bytes=0-1' })
      expect(part).toMatchObject({ status: 206, body: '01' })
      expect(part.headers['cache-status']).toBe('holdfast; fwd=uri-miss; detail=partial')
      expect((await get()).body).toBe('0123456789')
      expect((await get('/', { Range: 'bytes=0-1' })).headers['cache-status']).toBe('holdfast; hit; ttl=60')
      expect(seen).toHaveLength(2)
    })

    it('is served from what is stored', async () => {
      const { get } = await stage(framework, () => ({ headers: WHOLE, body: '0123456789' }))
      await get()
      const cases = [
        ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
        ['bytes=7-', 206, '789', 'bytes 7-9/10'],
        ['bytes=-2', 206, '89', 'bytes 8-9/10'],
        ['bytes=7-99', 206, '789', 'bytes 7-9/10'],
        ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
        ['bytes=-0', 416, '', 'bytes */10'],
        ['bytes=4-3', 416, '', 'bytes */10'],
        ['bytes=10-', 416, '', 'bytes */10'],
        ['bytes=-', 200, '0123456789', undefined],
        ['bytes=0-1,4-5', 200, '0123456789', undefined],
        ['lines=1-2', 200, '0123456789', undefined],
      ] as const
      for (const [range, status, body, contentRange] of cases) {
        const response = await get('/', { Range: range })
        expect(response).toMatchObject({ status, body })
        expect(response.headers['content-range']).toBe(contentRange)
      }
      expect((await get('/', { Range: 'bytes=0-0', 'If-Range': '"v1"' })).status).toBe(206)
      expect((await get('/', { Range: 'bytes=0-0', 'If-Range': 'W/"v1"' })).status).toBe(200)
    })

    it.each([
      ['Sun, 06 Nov 1994 08:49:38 GMT', 206],
      ['Sun, 06 Nov 1994 08:49:37 GMT', 200],
    ])('is served in part by If-Range with a date, when it was made a second after that: at %s, %i', async (made, status) => {
      const changed = 'Sun, 06 Nov 1994 08:49:37 GMT'
      const headers = { 'Cache-Control': 'max-age=2000000000', 'Last-Modified': changed, Date: made }
      const { get } = await stage(framework, () => ({ headers, body: '0123456789' }))
      await get()
      expect((await get('/', { Range: 'bytes=0-0', 'If-Range': changed })).status).toBe(status)
    })
  })

  describe('a response by Vary', () => {
    it('is kept beside the others, and served to whoever asks alike', async () => {
      const { get, seen } = await stage(framework, ({ headers }) => ({
        headers: { ...MINUTE, Vary: 'Accept-Language, X-Kind' },
        body: `${headers['accept-language'] ?? 'none'} ${String(seen.length)}`,
      }))
      const ask = async (language: string) => (await get('/', { 'Accept-Language': language })).body
      expect(await ask('en')).toBe('en 1')
      expect(await ask('de')).toBe('de 2')
      expect([await ask('en'), await ask('de'), await ask('EN')]).toEqual(['en 1', 'de 2', 'en 1'])
      expect((await get()).body).toBe('none 3')
      expect((await get('/', { 'Accept-Language': 'en', 'X-Kind': 'b' })).body).toBe('en 4')
    })

    it('by the option vary is told to the caches in between', async () => {
      const { get, seen } = await stage(framework, counting({ ...MINUTE, Vary: 'X-B' }), { options: { vary: ['X-A'] } })
      expect((await get('/', { 'X-A': '1' })).headers['vary']).toBe('x-a, x-b')
      expect((await get('/', { 'X-A': '1' })).headers['vary']).toBe('x-a, x-b')
      await get('/', { 'X-A': '2' })
      expect(seen).toHaveLength(2)
    })

    it('may depend on a field that has the name of what every object has', async () => {
      const { get, seen } = await stage(framework, counting({ ...MINUTE, Vary: 'constructor' }))
      for (const body of ['made 1', 'made 1']) expect((await get()).body).toBe(body)
      expect((await get('/', { constructor: 'x' })).body).toBe('made 2')
      expect(seen).toHaveLength(2)
    })

    it('is made anew when it comes to depend on more', async () => {
      let vary = 'X-A'
      const { get, seen } = await stage(framework, () => ({ headers: { ...MINUTE, Vary: vary }, body: String(seen.length) }))
      await get('/', { 'X-A': '1' })
      vary = 'X-A, X-B'
      await get('/', { 'X-A': '2', 'X-B': '1' })
      await get('/', { 'X-A': '2', 'X-B': '1' })
      await get('/', { 'X-A': '2', 'X-B': '2' })
      expect((await get('/', { 'X-A': '2', 'X-B': '2' })).body).toBe('4')
      expect((await get('/', { 'X-A': '2', 'X-B': '1' })).body).toBe('3')
    })

    it('is one of maxVariants: the oldest makes room', async () => {
      const { get, seen } = await stage(framework, counting({ ...MINUTE, Vary: 'X-A' }), { options: { maxVariants: 3 } })
      for (const value of ['1', '2', '3', '4']) await get('/', { 'X-A': value })
      for (const value of ['4', '3', '2']) await get('/', { 'X-A': value })
      expect(seen).toHaveLength(4)
      await get('/', { 'X-A': '1' })
      expect(seen).toHaveLength(5)
    })

    it('is for the fields as they were sent, whatever handlers have made of them', async () => {
      const { get } = await stage(framework, ({ headers }) => {
        const accepted = headers['accept-language'] ?? ''
        headers['accept-language'] = 'en'
        return { headers: { ...MINUTE, Vary: 'Accept-Language' }, body: accepted }
      })
      for (const language of ['de', 'en', 'de']) expect((await get('/', { 'Accept-Language': language })).body).toBe(language)
    })

    it('is not stored with Vary: *', async () => {
      const { get } = await stage(framework, counting({ ...MINUTE, Vary: 'X-A, *' }))
      expect((await get()).headers['cache-status']).toBe('holdfast; fwd=uri-miss; detail=vary-star')
      expect((await get()).body).toBe('made 2')
    })
  })

  describe('a request that changes something', () => {
    it('drops what is stored of its URL, before its client hears of it', async () => {
      const { get, ask } = await stage(framework, counting({ ...MINUTE, Vary: 'X-A' }))
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const { body } = await get('/thing', { 'X-A': '1' })
        await get('/thing', { 'X-A': '2' })
        expect((await ask({ method, path: '/thing', body: 'x' })).status).toBe(200)
        expect((await get('/thing', { 'X-A': '1' })).body).not.toBe(body)
      }
    })

    it('and that of Location and Content-Location on the same host; not when it fails', async () => {
      const { get, ask, seen } = await stage(framework, ({ method, url }) => {
        if (method !== 'POST') return { headers: MINUTE, body: url }
        if (url === '/bad') return { status: 500, body: 'failed' }
        return { status: 201, headers: { Location: '/made', 'Content-Location': 'http://127.0.0.1/list?page=1' }, body: 'made' }
      })
      const pages = ['/made', '/list?page=1', '/bad', '/other']
      for (const path of pages) await get(path)
      await ask({ method: 'POST', path: '/things', body: 'x' })
      await ask({ method: 'POST', path: '/bad', body: 'x' })
      const before = seen.length
      for (const path of pages) await get(path)
      expect(seen.slice(before).map(({ url }) => url)).toEqual(['/made', '/list?page=1'])
    })

    it('drops groups of responses: RFC 9875', async () => {
      const { get, ask, seen } = await stage(framework, ({ method, url }) => {
        if (method === 'POST') return { headers: { 'Cache-Group-Invalidation': '"shop"' }, body: 'done' }
        return { headers: { ...MINUTE, 'Cache-Groups': url === '/a' ? '"shop", "front"' : '"blog"' }, body: url }
      })
      for (const path of ['/a', '/b']) await get(path)
      await ask({ method: 'POST', path: '/', body: 'x' })
      for (const path of ['/a', '/b']) await get(path)
      expect(seen.map(({ url }) => url)).toEqual(['/a', '/b', '/', '/a'])
    })
  })
})
