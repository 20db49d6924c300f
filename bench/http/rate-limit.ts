import { apps } from './apps.ts'
import { type Cost, costs } from './cost.ts'

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

async function report(what: string, names: readonly string[], options: Parameters<typeof costs>[1]): Promise<void> {
  const measured = await costs(names, options)
  console.log(`\n${what}: requests a second, of bare; CPU a request, over bare`)
  for (const [name, { perSecond, cpuMicros }] of measured) {
    const bare = measured.get(name.split(',')[0] ?? '') ?? NOTHING
    const ratio = (perSecond / bare.perSecond).toFixed(2)
    const over = (cpuMicros - bare.cpuMicros).toFixed(1)
    console.log(
      `  ${name.padEnd(42)} ${Math.round(perSecond).toLocaleString('en-US').padStart(7)} ${ratio}  ${cpuMicros.toFixed(1).padStart(6)} us ${over.padStart(6)} us`,
    )
  }
}

const NOTHING: Cost = { cpuMicros: 0, perSecond: 0 }
