import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createRateLimiter } from '@holdfast/rate-limit'
import { rateLimit as onExpress } from '@holdfast/rate-limit/express'
import { rateLimit as onKoa } from '@holdfast/rate-limit/koa'
import { rateLimit as onNode } from '@holdfast/rate-limit/node'
import { eachFramework } from '@holdfast/test/frameworks'
import { request } from '@holdfast/test/raw-http'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { expect, it } from '@jest/globals'

const holder = fileURLToPath(new URL('./programs/holder.ts', import.meta.url))

// In real time, by which processes renew what they hold: 2 s.
it('keeps what a process holds while it lives, and frees it within a lease of its being killed', async () => {
  const url = sharedRedisUrl()
  const prefix = ownPrefix()
  const adapter = redisAdapter({ url, prefix })
  const limiter = createRateLimiter({ adapter, limit: 2, algorithm: 'concurrency', leaseMs: 900 })
  const program = spawn(process.execPath, ['--conditions=@holdfast/source', '--import', 'tsx', holder], {
    env: { ...process.env, REDIS_URL: url, PREFIX: prefix },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(program.stdout, 'data')
  expect(String(said)).toBe('true\n')
  const heldUntil = performance.now() + 1_200
  while (performance.now() < heldUntil) {
    expect(await limiter.consume('key')).toMatchObject({ allowed: false, violated: ['default'] })
  }
  program.kill('SIGKILL')
  const killed = performance.now()
  let decision = await limiter.consume('key')
  while (!decision.allowed) {
    expect(performance.now() - killed).toBeLessThan(1_200)
    decision = await limiter.consume('key')
  }
  await decision.receipt?.release()
  await adapter.close()
})

eachFramework((framework) => {
  it('frees what a request holds when it is answered, when its handler fails, and when its client leaves', async () => {
    const limiter = createRateLimiter({ adapter: memoryAdapter(), name: 'slots', limit: 1, algorithm: 'concurrency' })
    const gate = { limiter, key: () => 'all' }
    let arrived = (): void => {}
    let finish = (): void => {}
    const { port, close } = await framework.serve({
      gate: { node: () => [onNode(gate)], express: () => [onExpress(gate)], koa: () => [onKoa(gate)] },
      async handler({ url }) {
        if (url === '/fails') throw new Error('the handler fails')
        if (url === '/waits') {
          await new Promise<void>((resolve) => {
            finish = resolve
            arrived()
          })
        }
        return { body: 'done' }
      },
    })

    /** A request that is with its handler. */
    async function waiting(): Promise<{ answer: Promise<number>; leave(): void }> {
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve
      })
      const controller = new AbortController()
      const answer = fetch(`http://127.0.0.1:${port}/waits`, { signal: controller.signal }).then(
        ({ status }) => status,
        () => 0,
      )
      await arrival
      return { answer, leave: () => controller.abort() }
    }

    async function freed(): Promise<void> {
      while ((await limiter.peek('all')).policies[0]?.remaining !== 1) await new Promise(setImmediate)
    }

    const answered = await waiting()
    expect(await request(port)).toMatchObject({
      status: 429,
      headers: { 'ratelimit-policy': '"slots";q=1;qu="concurrent-requests"' },
    })
    finish()
    expect(await answered.answer).toBe(200)
    await freed()

    expect((await request(port, { path: '/fails' })).status).toBe(500)
    await freed()

    const left = await waiting()
    left.leave()
    await freed()
    finish()
    await close()
  })
})
