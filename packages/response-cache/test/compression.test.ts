import { gunzipSync } from 'node:zlib'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { type Bindings, eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import compression from 'compression'
import koaCompress from 'koa-compress'
import { responseCache as onExpress } from '../src/express.ts'
import { createResponseCache } from '../src/index.ts'
import { responseCache as onKoa } from '../src/koa.ts'
import { responseCache as onNode } from '../src/node.ts'

const TEXT = 'text '.repeat(1_000)
const zip = compression()
const zipKoa = koaCompress()

eachFramework((framework) => {
  it.each(['before', 'behind'])(
    'answers each client in its coding, and again from the cache, with compression %s it',
    async (place) => {
      const cache = createResponseCache({ adapter: memoryAdapter() })
      const options = { cache, ttlMs: 60_000 }
      const inOrder = <T>(cached: T, zipping: T): T[] => (place === 'before' ? [zipping, cached] : [cached, zipping])
      const gate: Bindings = {
        node: () => inOrder(onNode(options), (...args) => void Reflect.apply(zip, undefined, args)),
        express: () => inOrder(onExpress(options), zip),
        koa: () => inOrder(onKoa(options), zipKoa),
      }
      let runs = 0
      const { port } = await framework.serve({
        gate,
        handler: () => {
          runs += 1
          return { headers: { 'Content-Type': 'text/plain' }, body: TEXT }
        },
      })
      for (const round of [1, 2]) {
        const zipped = await request(port, { headers: { 'Accept-Encoding': 'gzip' } })
        expect([round, zipped.headers['content-encoding']]).toEqual([round, 'gzip'])
        expect(gunzipSync(zipped.bytes).toString()).toBe(TEXT)
        const plain = await request(port, { headers: { 'Accept-Encoding': 'identity' } })
        expect(plain.headers['content-encoding']).toBeUndefined()
        expect(plain.body).toBe(TEXT)
        for (const { headers } of [zipped, plain]) expect(headers['vary']).toMatch(/accept-encoding/i)
      }
      expect(runs).toBe(place === 'before' ? 1 : 2)
    },
  )
})
