import { memoryAdapter } from '@holdfast/adapter/memory'
import { getRateLimit, rateLimit as onExpress } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { rateLimit as onNode } from '@holdfast/rate-limit/node'
import { bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import type { Request } from 'express'
import type { Context } from 'koa'

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
})
