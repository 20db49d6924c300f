import { once } from 'node:events'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { eachFramework } from '@holdfast/test/frameworks'
import { sent } from '@holdfast/test/raw-http'
import { expect, it } from '@jest/globals'
import { stage, until } from './stage.ts'

const MINUTE = { 'Cache-Control': 'max-age=60' }

eachFramework((framework) => {
  it('lets events out as they are written, and stores none of them', async () => {
    let write: (event: string) => void = () => {}
    const { port, seen } = await stage(
      framework,
      ({ res }) => {
        res.writeHead(200, { 'Content-Type': 'Text/Event-Stream' })
        res.write('data: 1\n\n')
        write = (event) => res.write(event)
        return undefined
      },
      { options: { ttlMs: 60_000 } },
    )
    for (const client of [1, 2]) {
      const socket = await sent(port, [{ path: '/events' }])
      let received = ''
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        received += chunk
      })
      while (!received.includes('data: 1')) await once(socket, 'data')
      write('data: 2\n\n')
      while (!received.includes('data: 2')) await once(socket, 'data')
      expect(received).toContain(client === 1 ? 'detail=stream' : 'detail=hit-for-miss')
      socket.destroy()
    }
    expect(seen).toHaveLength(2)
  })

  it('lets a download begin before it is made, and stores it when it is whole', async () => {
    let push: (chunk: string | null) => void = () => {}
    const { port, get, seen } = await stage(framework, () => {
      const stream = new Readable({ read() {} })
      push = (chunk) => stream.push(chunk)
      stream.push('first ')
      return { headers: MINUTE, stream }
    })
    const socket = await sent(port, [{}])
    let received = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
    })
    while (!received.includes('first')) await once(socket, 'data')
    push('second')
    push(null)
    while (!received.includes('second')) await once(socket, 'data')
    expect((await get()).body).toBe('first second')
    expect(seen).toHaveLength(1)
    socket.destroy()
  })

  it('stores what compression behind it has made, by Accept-Encoding', async () => {
    const { get, seen } = await stage(framework, ({ headers }) => {
      const zips = headers['accept-encoding'] === 'gzip'
      return {
        headers: {
          ...MINUTE,
          Vary: 'Accept-Encoding',
          'Content-Type': 'text/plain',
          ...(zips && { 'Content-Encoding': 'gzip' }),
        },
        body: zips ? gzipSync('text') : Buffer.from('text'),
      }
    })
    for (const round of [1, 2]) {
      const zipped = await get('/', { 'Accept-Encoding': 'gzip' })
      expect(zipped.headers['content-encoding']).toBe('gzip')
      expect(gunzipSync(zipped.bytes).toString()).toBe('text')
      expect((await get('/', { 'Accept-Encoding': 'identity' })).body).toBe('text')
      expect(seen).toHaveLength(2 * Math.min(round, 1))
    }
  })

  it.each([
    ['says so', { 'Content-Length': String(2 ** 21) }, 1],
    ['turns out to be', {}, 17],
  ])('has nobody wait for a download that is too large, when it %s', async (_, length, chunks) => {
    const { port, seen } = await stage(framework, () => {
      const stream = new Readable({ read() {} })
      for (let at = 0; at < chunks; at += 1) stream.push(Buffer.alloc(64 * 1_024))
      return { headers: { ...MINUTE, ...length }, stream }
    })
    const first = (await sent(port, [{}])).resume()
    await until(() => seen.length === 1)
    const second = await sent(port, [{}])
    await once(second, 'data')
    expect(seen).toHaveLength(2)
    for (const socket of [first, second]) socket.destroy()
  })

  it('keeps no more of a stream than maxBytes', async () => {
    const chunk = Buffer.alloc(64 * 1_024)
    const { get, cache } = await stage(framework, () => ({
      headers: MINUTE,
      stream: Readable.from(Array.from({ length: 80 }, () => chunk)),
    }))
    expect((await get()).bytes).toHaveLength(80 * chunk.length)
    expect(await cache.explain({ url: 'http://127.0.0.1/' })).toMatchObject({ refusal: 'too-large' })
  })
})
