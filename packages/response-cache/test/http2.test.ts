import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { type AppHandler, eachHttp2Framework } from '@holdfast/test/frameworks'
import { http2Client } from '@holdfast/test/http2'
import { expect, it } from '@jest/globals'
import { createResponseCache } from '../src/index.ts'
import { cached, counting, until } from './stage.ts'

eachHttp2Framework((framework) => {
  async function serve(handler: AppHandler) {
    const cache = createResponseCache({ adapter: memoryAdapter() })
    return http2Client(await framework.serve({ gate: cached(cache, { ttlMs: 60_000 }), handler }))
  }

  it('stores a response, and serves it: whole, in part, as unchanged, and to HEAD', async () => {
    const { request } = await serve(counting({ ETag: '"1"', 'X-Two': ['a', 'b'] }))
    for (const age of [undefined, '0']) {
      const answer = await request({})
      expect(answer).toMatchObject({ status: 200, body: 'made 1', headers: { etag: '"1"', 'x-two': 'a, b' } })
      expect(answer.headers['age']).toBe(age)
    }
    expect(await request({ range: 'bytes=0-3' })).toMatchObject({ status: 206, body: 'made' })
    expect(await request({ 'if-none-match': '"1"' })).toMatchObject({ status: 304, body: '' })
    if (framework.name === 'Koa 2') return // it never answers HEAD over HTTP/2, by itself either
    expect(await request({ ':method': 'HEAD' })).toMatchObject({ status: 200, headers: { 'content-length': '6' }, body: '' })
  })

  it('keeps authorities apart, and a POST drops what is stored for its own', async () => {
    const { request } = await serve(counting())
    const at = async (authority: string, method = 'GET') => (await request({ ':authority': authority, ':method': method })).body
    expect([await at('a.test'), await at('b.test'), await at('a.test')]).toEqual(['made 1', 'made 2', 'made 1'])
    expect(await at('a.test', 'POST')).toBe('made 3')
    expect([await at('a.test'), await at('b.test')]).toEqual(['made 4', 'made 2'])
  })

  it('makes a response for a Host of its own, and for a GET with a body that does not say its length', async () => {
    const { request } = await serve(counting())
    expect((await request({})).body).toBe('made 1')
    expect((await request({ host: 'other.test' })).body).toBe('made 2')
    expect((await request({}, 'content')).body).toBe('made 3')
    expect((await request({})).body).toBe('made 1')
  })

  it('makes one response for all who ask for it at once', async () => {
    let made = 0
    let open: () => void = () => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const { request } = await serve(async () => {
      made += 1
      await opened
      return { json: { made } }
    })
    const answers = Array.from({ length: 10 }, () => request({}))
    await until(() => made > 0)
    open()
    expect(new Set((await Promise.all(answers)).map(({ body }) => body))).toEqual(new Set(['{"made":1}']))
  })

  it('lets a stream through as it is written, and stores it', async () => {
    const stream = new PassThrough()
    let made = 0
    const { session, request } = await serve(() => {
      made += 1
      stream.write('first ')
      return { stream }
    })
    const asked = session.request({})
    expect(String((await once(asked, 'data'))[0])).toBe('first ')
    stream.end('second')
    asked.resume()
    await once(asked, 'close')
    expect((await request({})).body).toBe('first second')
    expect(made).toBe(1)
  })
})
