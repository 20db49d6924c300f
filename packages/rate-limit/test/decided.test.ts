import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { front } from '@holdfast/http/node'
import { getRateLimit, rateLimit as onExpress, type RateLimitOptions } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { rateLimit as onNode } from '@holdfast/rate-limit/node'
import { bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { describe, expect, it } from '@jest/globals'
import express, { type Request } from 'express'
import Koa, { type Context } from 'koa'

eachFramework((framework) => {
  it('gives handlers the last decision on their request', async () => {
    const options = { adapter: memoryAdapter(), limit: 2, windowMs: 60_000 }
    const seen: unknown[] = []
    const look = bound(({ native }, next) => {
      seen.push(getRateLimit(native as Request | Context)?.policies[0]?.remaining)
      return next()
    })
    const limit = { node: () => [onNode(options)], express: () => [onExpress(options)], koa: () => [onKoa(options)] }
    const { port } = await framework.serve({ gate: chained(look, limit, look) })
    await request(port)
    expect(seen).toEqual([undefined, 1])
  })

  it.each(['draft', ['draft-6', 'draft']] as const)(
    'tells of all limiters that a request has passed, with %p',
    async (headers) => {
      const adapter = memoryAdapter()
      const [hourly, burst] = [
        { adapter, name: 'hourly', limit: 9, windowMs: 3_600_000 },
        { adapter, name: 'burst', limit: 1, windowMs: 2_000, headers },
      ]
      const { port } = await framework.serve({
        gate: {
          node: () => [onNode(hourly), onNode(burst)],
          express: () => [onExpress(hourly), onExpress(burst)],
          koa: () => [onKoa(hourly), onKoa(burst)],
        },
      })
      const both = { 'ratelimit-policy': '"hourly";q=9;w=3600, "burst";q=1;w=2' }
      expect((await request(port)).headers).toMatchObject({ ...both, ratelimit: '"hourly";r=8;t=3600, "burst";r=0;t=2' })
      expect(await request(port)).toMatchObject({ status: 429, headers: both })
    },
  )
})

describe('in front of an app that limits as well', () => {
  const limit = { limit: 3, windowMs: 60_000 }
  it.each<[string, (options: RateLimitOptions<unknown>) => RequestListener]>([
    ['Express', (options) => express().use(onExpress(options), (req, res) => void res.send(told(req)))],
    ['Koa', (options) => listenerOf(new Koa().use(onKoa(options)).use((ctx) => Object.assign(ctx, { body: told(ctx) })))],
  ])('charges a request once, which %s learns of', async (_name, appOf) => {
    const options = { adapter: memoryAdapter(), ...limit }
    const server = createServer(front([onNode(options)], appOf(options))).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const { body } = await request(typeof address === 'object' && address !== null ? address.port : 0)
    server.close()
    expect(body).toBe('2 left')
  })
})

function told(native: object): string {
  return `${getRateLimit(native)?.policies[0]?.remaining} left`
}

function listenerOf(app: Koa): RequestListener {
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}
