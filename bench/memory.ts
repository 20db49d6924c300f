import { memoryAdapter } from '@holdfast/adapter/memory'
import { createRateLimiter } from '@holdfast/rate-limit'
import { count } from './count.ts'
import { cycle, sideBySide, thousands } from './measure.ts'

/** What one step costs in this process: one key again and again, and many keys. */
export async function benchMemory(): Promise<void> {
  const adapter = memoryAdapter()
  const limiter = createRateLimiter({ adapter, limit: 1_000_000_000, windowMs: 60_000, algorithm: 'fixed-window' })
  const log = createRateLimiter({ adapter, name: 'log', limit: 100, windowMs: 1_000 })
  const keys = cycle(Array.from({ length: 10_000 }, (_, index) => `key:${index}`))
  const subjects = [
    { name: 'run, one key', run: () => adapter.run(count, 'key', 1) },
    { name: 'run, 10,000 keys', run: () => adapter.run(count, keys(), 1) },
    { name: 'consume, fixed window', run: () => limiter.consume('192.0.2.1') },
    { name: 'consume, log, mostly refused', run: () => log.consume('192.0.2.1') },
  ]
  const results = await sideBySide(subjects, { total: 200_000, inFlight: 1, rounds: 7 })
  console.log('memory, one call after the other')
  for (const [index, { name }] of subjects.entries()) console.log(`  ${name.padEnd(30)} ${thousands(results[index] ?? 0)}`)
}
