import { memoryAdapter } from '@holdfast/adapter/memory'
import { clientKey, rateLimit as onExpress } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { rateLimit as onNode } from '@holdfast/rate-limit/node'
import { type App, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { afterEach, expect, it, jest } from '@jest/globals'

afterEach(() => void jest.restoreAllMocks())

eachFramework((framework) => {
  const options = { limit: 9, windowMs: 60_000 }
  const forwarded = { headers: { 'X-Forwarded-For': '192.0.2.1' } }

  /** What is warned of while two requests of a proxy are answered. */
  async function warnings(app: Pick<App, 'trustProxy'>, key?: { key: () => string }): Promise<unknown[]> {
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { port } = await framework.serve({
      ...app,
      gate: {
        node: () => [onNode({ ...options, ...key, adapter: memoryAdapter() })],
        express: () => [onExpress({ ...options, ...key, adapter: memoryAdapter() })],
        koa: () => [onKoa({ ...options, ...key, adapter: memoryAdapter() })],
      },
    })
    expect((await request(port, forwarded)).status).toBe(200)
    expect((await request(port, forwarded)).status).toBe(200)
    return emitWarning.mock.calls.filter(([, shown]) => Object(shown).code === 'HOLDFAST_TRUST_PROXY').map(([message]) => message)
  }

  it('warns once where any client could choose its address', async () => {
    expect(await warnings({ trustProxy: true })).toEqual([expect.stringContaining('X-Forwarded-For')])
  })

  it('warns once where all clients of a proxy would share a quota', async () => {
    expect(await warnings({})).toEqual([expect.stringMatching('trusts no proxy.* Say how many proxies there are')])
  })

  it('says nothing where the proxies are known, or no address is a key', async () => {
    expect(await warnings({ trustProxy: 1 })).toEqual([])
    const open: Pick<App, 'trustProxy'> = framework.binding === 'node' ? {} : { trustProxy: true } // of true, front itself warns
    expect(await warnings(open, { key: () => 'user' })).toEqual([])
  })
})

it('says that a request of a router without an app has no address', () => {
  expect(() => clientKey(Object({ headers: {} }))).toThrow('The request has no client address: give rateLimit a key')
})
