import { memoryAdapter } from '@holdfast/adapter/memory'
import { getIdempotency } from '@holdfast/idempotency/express'
import { type AppHandler, eachFramework } from '@holdfast/test/frameworks'
import { sent } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import { idempotent, keyed, post } from './idempotent.ts'
import { deferred } from './stage.ts'

// In real time: leases go by it. Some 400 ms each.
eachFramework((framework) => {
  it('lets go of the key of a handler that never ends, when its client has left for so long', async () => {
    const began = deferred()
    let count = 0
    const handler: AppHandler = () => {
      count += 1
      if (count > 1) return { json: { count } }
      began.resolve()
      return new Promise(() => {})
    }
    const gate = idempotent({ adapter: memoryAdapter(), leaseMs: 300, abandonedMs: 0 })
    const { port } = await framework.serve({ gate, handler })
    const socket = await sent(port, [keyed('a', { path: '/payments', body: '{}' })])
    await began.promise
    for (const since = performance.now(); performance.now() - since < 700; ) {
      expect((await post(port, { key: 'a', body: '{}' })).status).toBe(409) // its client is there
    }
    socket.destroy()
    let retried = await post(port, { key: 'a', body: '{}' })
    while (retried.status === 409) retried = await post(port, { key: 'a', body: '{}' })
    expect([retried.status, retried.body]).toEqual([200, '{"count":2}'])
  })
})

it('says where nothing stands in front of a handler', () => {
  expect(() => getIdempotency({})).toThrow('getIdempotency: no idempotency middleware stands in front of this handler')
})
