import { redisAdapter } from '@holdfast/adapter/redis'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { expect, it, jest } from '@jest/globals'

it('makes a client of its own where a bundler gives ioredis as its default alone, as ncc does', async () => {
  const { default: ioredis } = await import('ioredis')
  jest.unstable_mockModule('ioredis', () => ({ default: ioredis }))
  const adapter = redisAdapter({ url: sharedRedisUrl(), prefix: ownPrefix() })

  await adapter.set('greeting', Buffer.from('hello'), 60_000)

  expect(await adapter.get('greeting')).toEqual(Buffer.from('hello'))
  await adapter.close()
})
