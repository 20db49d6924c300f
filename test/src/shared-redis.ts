import { randomUUID } from 'node:crypto'

/** The Redis that the whole test run shares. Each test keeps to a prefix of its own. */
export function sharedRedisUrl(): string {
  const url = process.env['REDIS_URL']
  if (url === undefined) throw new Error('REDIS_URL is not set: run the tests by `npm test`')
  return url
}

export function ownPrefix(): string {
  return `test-${randomUUID()}:`
}
