import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request as startRequest } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from '@jest/globals'
import { freePort } from '../src/free-port.ts'
import { killPrograms, startProgram } from '../src/program.ts'
import { pipelined, request } from '../src/raw-http.ts'
import { sharedRedisUrl } from '../src/shared-redis.ts'

const statuses = [...Array.from({ length: 10 }, () => 200), 429, 429]

/** Has all counts begin anew, once each of the programs counts in Redis: the examples keep them in the one that all tests share. */
async function countingAnew(ports: readonly number[]): Promise<void> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(sharedRedisUrl())
  async function forget(): Promise<number> {
    const keys = await redis.keys('*-api:*')
    return keys.length === 0 ? 0 : redis.del(keys)
  }
  await forget()
  for (const port of ports) {
    do await request(port, { path: '/api' })
    while ((await forget()) === 0)
  }
  redis.disconnect()
}

async function postTo(program: { readonly port: number } | undefined, path: string, fields: string, cookie = '') {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: cookie }
  const { status, body, rawHeaders } = await request(program?.port ?? 0, { method: 'POST', path, headers, body: fields })
  const cookies = rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === 'set-cookie')
  return { status, json: JSON.parse(body) as unknown, cookie: cookies.map((each) => each.split(';')[0]).join('; ') }
}

afterEach(killPrograms)

describe.each(['express-api', 'koa-api'])('examples/%s', (name) => {
  const path = `examples/${name}/main.ts`

  it('limits /api in memory, and ends when it is asked to', async () => {
    const program = await startProgram(path, { PORT: '0', REDIS_URL: undefined })
    expect((await request(program.port)).status).toBe(200)
    expect((await pipelined(program.port, Array(12).fill({ path: '/api' }))).map(({ status }) => status)).toEqual(statuses)
    expect(await program.stop()).toBe(0)
    expect(program.stderr()).toBe('')
  })

  it('counts in Redis, together with another process', async () => {
    const environment = { PORT: '0', REDIS_URL: sharedRedisUrl(), SESSION_SECRET: 'of both processes' }
    const [one, other] = await Promise.all([1, 2].map(() => startProgram(path, environment)))
    await countingAnew([one?.port ?? 0, other?.port ?? 0])
    const responses = await Promise.all(
      [one, other].map(async (program) => pipelined(program?.port ?? 0, Array(8).fill({ path: '/api' }))),
    )
    expect(responses.flat().filter(({ status }) => status === 200)).toHaveLength(10)
    const { cookie } = await postTo(one, '/cart', 'item=pear')
    await Promise.all([1, 2, 3, 4].flatMap(() => [one, other].map((program) => postTo(program, '/cart', 'item=pear', cookie))))
    expect((await postTo(one, '/cart', 'item=constructor', cookie)).json).toEqual({ pear: 9, constructor: 1 })
    expect(await Promise.all([one?.stop(), other?.stop()])).toEqual([0, 0])
  })

  it('logs in, keeps a cart, transfers one at a time, logs out everywhere, and limits who guesses', async () => {
    const program = await startProgram(path, { PORT: '0', REDIS_URL: undefined })

    const post = (target: string, fields: string, cookie = '') => postTo(program, target, fields, cookie)
    const logIn = (user = 'ann', cookie = '') => post('/login', `user=${user}&password=secret+of+${user}`, cookie)

    const anonymous = await post('/cart', 'item=pear')
    const [phone, laptop] = [await logIn('ann', anonymous.cookie), await logIn()]
    expect([phone.status, laptop.status]).toEqual([200, 200])
    expect((await post('/cart', 'item=pear', phone.cookie)).json).toEqual({ pear: 2 })
    expect(JSON.parse((await request(program.port, { path: '/cart', headers: { Cookie: laptop.cookie } })).body)).toEqual({})
    const transfers = await Promise.all([1, 2, 3, 4].map(() => post('/transfer', 'to=bob&amount=30', laptop.cookie)))
    expect(transfers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 200, 409])
    const bob = await logIn('bob')
    const toAndFro = [1, 2, 3, 4, 5].flatMap(() => [
      post('/transfer', 'to=bob&amount=1', laptop.cookie),
      post('/transfer', 'to=ann&amount=1', bob.cookie),
    ])
    await Promise.all(toAndFro)
    expect((await post('/transfer', 'to=bob&amount=10', laptop.cookie)).json).toEqual({ left: 0 })
    expect((await post('/logout-everywhere', '', phone.cookie)).status).toBe(200)
    for (const { cookie } of [phone, laptop]) expect((await post('/transfer', 'to=bob&amount=1', cookie)).status).toBe(401)
    const guesses = []
    for (let count = 0; count < 3; count += 1) guesses.push((await post('/login', 'user=ann&password=guess')).status)
    expect(guesses).toEqual([401, 401, 429])
    await program.stop()
  })

  it('serves and limits while there is no Redis, and says so once', async () => {
    const program = await startProgram(path, { PORT: '0', REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
    expect((await pipelined(program.port, Array(12).fill({ path: '/api' }))).map(({ status }) => status)).toEqual(statuses)
    expect(program.stderr().match(/HOLDFAST_REDIS_OUTAGE/g)).toHaveLength(1)
    expect(await program.stop()).toBe(0)
  })
})

it('examples/reverse-proxy stores what its origin answers, and passes on what it must', async () => {
  const asked: string[] = []
  const origin = createServer((req, res) => {
    asked.push(`${req.method} ${req.url} ${String(req.headers['x-hop'] ?? 'no hop')}`)
    if (req.url === '/closed') return res.destroy()
    res.setHeader('Cache-Control', 'max-age=60').setHeader('Connection', 'X-Own').setHeader('X-Own', '1')
    res.end(req.method === 'PUT' ? 'put' : 'page')
  }).listen(0, '127.0.0.1')
  await once(origin, 'listening')
  const address = origin.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const proxy = await startProgram('examples/reverse-proxy/main.ts', {
    PORT: '0',
    ORIGIN: `http://127.0.0.1:${port}`,
    REDIS_URL: undefined,
  })
  const headers = { Connection: 'X-Hop', 'X-Hop': '1' }
  const first = await request(proxy.port, { path: '/page', headers })
  expect(first).toMatchObject({ status: 200, body: 'page' })
  expect(first.headers).not.toHaveProperty('x-own')
  expect((await request(proxy.port, { path: '/page' })).headers['cache-status']).toMatch(/^holdfast; hit; ttl=5\d$/)
  expect((await request(proxy.port, { path: '/page', method: 'HEAD' })).headers['cache-status']).toMatch(
    /^holdfast; hit; ttl=5\d$/,
  )
  expect((await request(proxy.port, { path: '/page', method: 'PUT', body: 'x' })).body).toBe('put')
  expect((await request(proxy.port, { path: '/page' })).headers['cache-status']).toBe('holdfast; fwd=uri-miss; stored')
  expect((await request(proxy.port, { path: '/closed' })).status).toBe(502)
  expect(asked).toEqual(['GET /page no hop', 'PUT /page no hop', 'GET /page no hop', 'GET /closed no hop'])
  expect(await proxy.stop()).toBe(0)
  origin.close()
  origin.closeAllConnections()
})

it.each([
  ['keeps its connection busy', true],
  ['keeps its connection open', false],
])('examples/payments ends when it is asked to, after what runs, though a client %s', async (_how, isBusy) => {
  const program = await startProgram('examples/payments/main.ts', { PORT: '0', REDIS_URL: undefined, BANK_URL: undefined })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { 'Content-Type': 'application/json', Expect: '100-continue' }
  async function pay(key: string, onReceived: () => void = () => {}): Promise<number | undefined> {
    const options = {
      port: program.port,
      path: '/payments',
      method: 'POST',
      agent,
      headers: { ...headers, 'Idempotency-Key': key },
    }
    const paying = startRequest(options).once('continue', onReceived).end('{"amount":5}')
    const [response] = (await once(paying, 'response')) as [IncomingMessage]
    response.resume()
    await once(response, 'end')
    return response.statusCode
  }
  let stopping: Promise<number | null> | undefined
  const begin = (): void => {
    stopping = program.stop()
  }
  expect(await pay('first', begin)).toBe(201)
  let isUp = isBusy
  for (let count = 0; isUp; count += 1) {
    isUp = await pay(`${count}`).then(
      () => true,
      () => false,
    )
  }
  expect(await stopping).toBe(0)
  agent.destroy()
})

describe('the README', () => {
  it('begins with a program that runs as printed, but for its port', async () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const [, block = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
    const port = await freePort()
    expect(block).toContain('app.listen(3000, ')
    const listening = `console.log('http://127.0.0.1:${port}')`
    const source = block.replace(/app\.listen\(3000, '127\.0\.0\.1'\)/, `app.listen(${port}, '127.0.0.1', () => ${listening})`)
    // Inside the repository, where its imports are found.
    const folder = mkdtempSync(fileURLToPath(new URL('../../.readme-', import.meta.url)))
    writeFileSync(join(folder, 'first.ts'), source)
    const program = await startProgram(join(folder, 'first.ts'), {})
    expect(await request(program.port)).toMatchObject({
      status: 200,
      headers: { ratelimit: '"default";r=99;t=60' },
      body: 'hello',
    })
    await program.stop()
    rmSync(folder, { recursive: true })
  })
})
