import { cachedApps } from './cached-apps.ts'
import { report } from './report.ts'

const names = Object.keys(cachedApps)

/** What a hit costs a request, side by side with a handler that has the bytes at hand, and with apicache. */
export async function benchResponseCache(redisUrl: string): Promise<void> {
  for (const size of ['1 kB', '50 kB']) {
    const ofSize = names.filter((name) => name.endsWith(`, ${size}`))
    await report(
      `hits in memory, ${size}, 32 connections`,
      ofSize.filter((name) => !name.includes('Redis')),
      { connections: 32 },
    )
    const onRedis = ofSize.filter((name) => name.includes('Redis') || name === `express, ${size}`)
    for (const connections of [1, 32])
      await report(`hits in Redis, ${size}, ${connections} connections`, onRedis, {
        connections,
        redisUrl,
        total: connections === 1 ? 2_000 : 5_000,
        rounds: 5,
      })
  }
}
