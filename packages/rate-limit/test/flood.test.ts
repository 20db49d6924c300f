import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { memoryAdapter } from '@holdfast/adapter/memory'
import { fakeClock } from '@holdfast/adapter/testing'
import { createRateLimiter } from '@holdfast/rate-limit'
import { expect, it } from '@jest/globals'

const MIB = 2 ** 20
setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

it('keeps to its memory while a million keys come, and refuses those that it refused before', async () => {
  const clock = fakeClock()
  const adapter = memoryAdapter({ maxStates: 20_000, now: clock.now })
  const limiter = createRateLimiter({ adapter, limit: 1, windowMs: 60_000 })
  await limiter.block('blocked', 60_000)
  await limiter.consume('used up')
  const timers = timersRunning()
  const sources = new Set<string>()
  const heapAfter: number[] = []
  for (let key = 0; key < 1_000_000; key += 1) {
    const { allowed, source } = await limiter.consume(`key:${key}`)
    if (!allowed) throw new Error(`key:${key} was refused by ${source}`)
    sources.add(source)
    if (key === 499_999 || key === 999_999) heapAfter.push(heapUsed())
  }
  const [half = 0, all = 0] = heapAfter
  expect(all - half).toBeLessThan(10 * MIB)
  expect(sources).toEqual(new Set(['adapter', 'open']))
  expect(timersRunning()).toBe(timers)
  expect(await limiter.consume('blocked')).toMatchObject({ allowed: false, blocked: true, source: 'adapter' })
  expect(await limiter.consume('used up')).toMatchObject({ allowed: false, source: 'adapter' })
  clock.advance(60_000)
  expect(await limiter.consume('new')).toMatchObject({ allowed: true, source: 'adapter' })
}, 240_000)

function heapUsed(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

function timersRunning(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}
