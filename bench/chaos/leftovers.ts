import { Redis } from 'ioredis'
import type { Target } from './targets.ts'

/** Keys that nothing would ever take away. */
export async function keysWithoutEnd({ server }: Target): Promise<string[]> {
  const redis = new Redis(server.url)
  const keys = await redis.keys('*')
  const ttls = await Promise.all(keys.map((key) => redis.pttl(key)))
  redis.disconnect()
  return keys.filter((_, index) => ttls[index] === -1)
}
