import { constants } from 'node:http2'
import { memoryAdapter } from '@holdfast/adapter/memory'
import type { RateLimiterOptions } from '@holdfast/rate-limit'
import { rateLimit as onExpress } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { rateLimit as onNode } from '@holdfast/rate-limit/node'
import { type Bindings, eachHttp2Framework } from '@holdfast/test/frameworks'
import { http2Client } from '@holdfast/test/http2'
import { expect, it } from '@jest/globals'

function limited(options: RateLimiterOptions): Bindings {
  return { node: () => [onNode(options)], express: () => [onExpress(options)], koa: () => [onKoa(options)] }
}

eachHttp2Framework((framework) => {
  it('counts, tells what is left, and refuses', async () => {
    const gate = limited({ adapter: memoryAdapter(), limit: 1, windowMs: 60_000 })
    const { request } = http2Client(await framework.serve({ gate }))
    expect(await request({})).toMatchObject({ status: 200, headers: { ratelimit: '"default";r=0;t=60' }, body: 'hello' })
    const refused = await request({})
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '60', 'content-type': 'application/problem+json' } })
    expect(JSON.parse(refused.body)).toMatchObject({ status: 429 })
  })

  it('frees a slot with its response, and when the client resets its stream', async () => {
    const gate = limited({ adapter: memoryAdapter(), limit: 1, algorithm: 'concurrency' })
    let arrived: () => void = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const never = new Promise<never>(() => {})
    const handler = ({ url }: { url: string }) => {
      if (url !== '/slow') return { body: 'hello' }
      arrived()
      return never
    }
    const { session, request } = http2Client(await framework.serve({ gate, handler }))
    expect((await request({})).status).toBe(200)
    while ((await request({})).status !== 200);
    const slow = session.request({ ':path': '/slow' })
    await arrival
    expect((await request({})).status).toBe(429)
    slow.close(constants.NGHTTP2_CANCEL)
    while ((await request({})).status !== 200);
  })
})
