import type { ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { type AppHandler, eachHttp2Framework } from '@holdfast/test/frameworks'
import { http2Client } from '@holdfast/test/http2'
import { expect, it } from '@jest/globals'
import { idempotent } from './idempotent.ts'

const keyed = { ':method': 'POST', 'idempotency-key': 'k' }

eachHttp2Framework((framework) => {
  async function serve(handler: AppHandler) {
    const gate = idempotent({ adapter: memoryAdapter(), scope: 'public', maxBodyBytes: 10 })
    return http2Client(await framework.serve({ gate, handler }))
  }

  it('runs a request once, replays its response, and refuses another body and one that is too large', async () => {
    let runs = 0
    const { request } = await serve(() => ({ status: 201, headers: { 'X-Two': ['a', 'b'] }, json: { run: ++runs } }))
    const made = { status: 201, headers: { 'x-two': 'a, b' }, body: '{"run":1}' }
    expect(await request(keyed, 'body')).toMatchObject(made)
    const again = await request(keyed, 'body')
    expect(again).toMatchObject(made)
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect((await request(keyed, 'other')).status).toBe(422)
    expect((await request({ ...keyed, 'idempotency-key': 'l' }, 'longer than ten')).status).toBe(413)
    expect(runs).toBe(1)
  })

  it('refuses the second of two at once, and frees the key of a run that fails', async () => {
    let fail: (error: Error) => void = () => {}
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject
    })
    let arrived: () => void = () => {}
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve
    })
    let runs = 0
    const { request } = await serve(() => {
      arrived()
      return ++runs === 1 ? failed : { body: 'made' }
    })
    const first = request(keyed)
    await arrival
    expect((await request(keyed)).status).toBe(409)
    fail(new Error('on purpose'))
    expect((await first).status).toBe(500)
    expect(await request(keyed)).toMatchObject({ status: 200, body: 'made' })
  })

  it('leaves the body to the handler', async () => {
    const { request } = await serve(async ({ req }) => ({ body: Buffer.concat(await req.toArray()) }))
    expect((await request(keyed, 'body')).body).toBe('body')
  })

  it('refuses headers that are set when the head is written', async () => {
    const { request } = await serve(({ res }) => {
      res.writeHead(200, { 'X-Set': 'in time' })
      expect(() => res.setHeader('X-Set', 'late')).toThrow('after they are sent')
      res.end('made')
      return undefined
    })
    expect(await request(keyed)).toMatchObject({ status: 200, headers: { 'x-set': 'in time' }, body: 'made' })
  })

  it('keeps the response of a run whose client resets its stream', async () => {
    const open: ServerResponse[] = []
    let left: () => void = () => {}
    const leaving = new Promise<void>((resolve) => {
      left = resolve
    })
    const { session, request } = await serve(({ res }) => {
      open.push(res)
      res.once('close', left)
      res.statusCode = 200 // Koa's is 404
      res.write('pa')
      stream.close(constants.NGHTTP2_CANCEL)
      return undefined
    })
    const stream = session.request(keyed, { endStream: true })
    await leaving
    open[0]?.end('id')
    expect(await request(keyed)).toMatchObject({ status: 200, headers: { 'idempotent-replayed': 'true' }, body: 'paid' })
    expect(open).toHaveLength(1)
  })
})
