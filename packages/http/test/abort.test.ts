import { once } from 'node:events'
import type { Exchange } from '@holdfast/http'
import { bound, eachFramework } from '@holdfast/test/frameworks'
import { request, sent } from '@holdfast/test/raw-http'
import { expect, it, jest } from '@jest/globals'

const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})

eachFramework((framework) => {
  it('answers nobody when the client left before the gate has decided', async () => {
    const arrived = Promise.withResolvers<Exchange<unknown>>()
    const left = Promise.withResolvers<void>()
    const done = Promise.withResolvers<void>()
    const gate = bound(async (exchange) => {
      if (exchange.url === '/') return exchange.respond({ status: 200, body: 'alive' })
      arrived.resolve(exchange)
      await left.promise
      exchange.setHeader('X-Late', '1')
      exchange.respond({ status: 429, body: 'nobody reads this' })
      done.resolve()
    })
    const { port } = await framework.serve({
      gate: { ...gate, node: () => [disconnecting(left), ...gate.node()], ...onNative(gate, left) },
    })
    const socket = await sent(port, [{ path: '/slow' }])

    expect((await arrived.promise).aborted).toBe(false)
    socket.destroy()
    await done.promise

    expect((await arrived.promise).aborted).toBe(true)
    expect((await request(port)).body).toBe('alive')
    expect(emitWarning).not.toHaveBeenCalled()
  })
})
