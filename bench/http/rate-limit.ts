import { apps } from './apps.ts'
import { report } from './report.ts'

const names = Object.keys(apps)

/** What rate limits cost a request, side by side with peers. */
export async function benchRateLimit(redisUrl: string): Promise<void> {
  const isOnRedis = (name: string) => name.endsWith('on Redis')
  const isRefused = (name: string) => name.includes('refused')
  const passing = names.filter((name) => !isOnRedis(name) && !isRefused(name))
  const bare = ['express', 'koa']
  await report('memory, 32 connections', passing, { connections: 32 })
  for (const connections of [1, 32]) {
    const onRedis = [...bare, ...names.filter(isOnRedis)]
    await report(`Redis, ${connections} connection${connections === 1 ? '' : 's'}`, onRedis, { connections, redisUrl })
  }
  await report('refused, 32 connections', [...bare, ...names.filter(isRefused)], { connections: 32 })
}
