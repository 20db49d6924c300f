import { memoryAdapter } from '@holdfast/adapter/memory'
import { failing } from '@holdfast/adapter/testing'
import { getIdempotency, type IdempotentRequest } from '@holdfast/idempotency/express'
import { type AppHandler, bound, chained, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import { idempotent, post } from './idempotent.ts'

eachFramework((framework) => {
  /** Notes what handlers get to know, and lets them do something with it. */
  async function serve(options: object, use: (known: IdempotentRequest) => unknown = () => {}) {
    const seen: IdempotentRequest[] = []
    const look = bound(async ({ native }, next) => {
      const known = getIdempotency(Object(native))
      seen.push(known)
      await use(known)
      await next()
    })
    const handler: AppHandler = () => ({ json: { count: seen.length } })
    const gate = chained(idempotent({ adapter: memoryAdapter(), ...options }), look)
    return { ...(await framework.serve({ gate, handler })), seen }
  }

  it('tells handlers the key, the attempt, a fence and a signal', async () => {
    const { port, seen } = await serve({})
    await post(port, { key: '"a\\"b"' })
    expect(seen).toMatchObject([{ key: 'a"b', attempt: 1, fence: expect.any(Number), signal: { aborted: false } }])
  })

  it('tells handlers that nothing protects a request', async () => {
    const { port, seen } = await serve({})
    await request(port)
    await request(port, { method: 'POST', body: '{}' })
    const open = await serve({ adapter: failing(memoryAdapter()), failure: 'open' })
    await post(open.port)
    const nothing = { attempt: 1, fence: undefined, signal: { aborted: false } }
    expect([...seen, ...open.seen]).toMatchObject([
      { ...nothing, key: undefined },
      { ...nothing, key: undefined },
      { ...nothing, key: '8e03978e' },
    ])
    for (const each of [...seen, ...open.seen]) expect(await each.cancel()).toBe(false)
  })

  it('frees the key at once when a handler says so, and does not keep the response', async () => {
    const { port, seen } = await serve({}, async (known) => {
      if (known.attempt === 1) expect([await known.cancel(), await known.cancel()]).toEqual([true, false])
    })
    expect(await post(port)).toMatchObject({ status: 200, body: '{"count":1}' })
    expect(await post(port, { body: 'something else' })).toMatchObject({ status: 200, body: '{"count":2}' })
    expect(await post(port, { body: 'something else' })).toMatchObject({ status: 200, body: '{"count":2}' })
    expect(seen[1]).toMatchObject({ attempt: 2 })
    expect(seen[1]?.fence).toBeGreaterThan(seen[0]?.fence ?? Number.POSITIVE_INFINITY)
    expect(await seen[1]?.cancel()).toBe(false) // it has been kept
  })
})
