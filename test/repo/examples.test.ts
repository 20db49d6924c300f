import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from '@jest/globals'
import { freePort } from '../src/free-port.ts'
import { killPrograms, startProgram } from '../src/program.ts'
import { pipelined, request } from '../src/raw-http.ts'
import { sharedRedisUrl } from '../src/shared-redis.ts'

const statuses = [...Array.from({ length: 10 }, () => 200), 429, 429]

/** A client that no earlier run was: the examples keep their counts in the Redis that all tests share. */
async function flushed(url: string): Promise<void> {
  const { Redis } = await import('ioredis')
  const redis = new Redis(url)
  const keys = await redis.keys('*-api:*')
  if (keys.length > 0) await redis.del(keys)
  redis.disconnect()
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
    await flushed(sharedRedisUrl())
    const [one, other] = await Promise.all([1, 2].map(() => startProgram(path, { PORT: '0', REDIS_URL: sharedRedisUrl() })))
    const responses = await Promise.all(
      [one, other].map(async (program) => pipelined(program?.port ?? 0, Array(8).fill({ path: '/api' }))),
    )
    expect(responses.flat().filter(({ status }) => status === 200)).toHaveLength(10)
    expect(await Promise.all([one?.stop(), other?.stop()])).toEqual([0, 0])
  })

  it('serves and limits while there is no Redis, and says so once', async () => {
    const program = await startProgram(path, { PORT: '0', REDIS_URL: `redis://127.0.0.1:${await freePort()}` })
    expect((await pipelined(program.port, Array(12).fill({ path: '/api' }))).map(({ status }) => status)).toEqual(statuses)
    expect(program.stderr().match(/HOLDFAST_REDIS_OUTAGE/g)).toHaveLength(1)
    expect(await program.stop()).toBe(0)
  })
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
