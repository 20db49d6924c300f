import { randomUUID } from 'node:crypto'

/** The Redis that the whole test run shares. Each test keeps to a prefix of its own. */
export function sharedRedisUrl(): string {
  return fromSetup('REDIS_URL')
}

/**
 * The nodes of the Cluster that the whole test run shares: three masters. Each test keeps to a prefix of its own.
 * The first suite that asks waits two seconds for it: ask in `beforeAll`.
 */
export async function sharedClusterNodes(): Promise<{ host: string; port: number }[]> {
  const response = await fetch(fromSetup('HOLDFAST_TEST_CLUSTER'))
  if (!response.ok) throw new Error(`The shared Cluster did not start: ${await response.text()}`)
  return (await response.text()).split(' ').map((address) => {
    const [host = '', port] = address.split(':')
    return { host, port: Number(port) }
  })
}

export function ownPrefix(): string {
  return `test-${randomUUID()}:`
}

function fromSetup(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set: run the tests by \`npm test\``)
  return value
}
