import type { CallOptions } from '../adapter.ts'
import type { RedisClient, Scanner } from './client.ts'
import type { Connection } from './connection.ts'

/** How many keys a page looks at: Redis does nothing else meanwhile. */
const PAGE = 500

/** The keys that begin with `prefix`, each once: a master may show one again, and two of them one that is on its way. */
export async function* scanKeys(
  { perform }: Connection,
  adapterPrefix: string,
  prefix: string,
  options: CallOptions | undefined,
): AsyncGenerator<string> {
  const seen = new Set<string>()
  const call = { call: 'scan', backend: 'redis', key: prefix } as const

  async function asked<T>(ask: (client: RedisClient) => Promise<T>): Promise<T> {
    let known: RedisClient | undefined
    try {
      return await perform(call, options, (client, waiting) => {
        waiting.sent = true
        known = client
        return ask(client)
      })
    } catch (error) {
      known?.lookAgain() // a scan is sent to masters, and so never told that another has their keys
      throw error
    }
  }

  for (const master of await asked((client) => client.masters())) {
    const skipped = master.keyPrefix.length + adapterPrefix.length
    const pattern = `${escapedGlob(master.keyPrefix + adapterPrefix + prefix)}*`
    let cursor = '0'
    do {
      const page: Awaited<ReturnType<Scanner['scan']>> = await asked(() => master.scan(cursor, pattern, PAGE))
      cursor = page.cursor
      for (const full of page.keys) {
        const key = full.slice(skipped)
        if (seen.has(key)) continue
        seen.add(key)
        yield key
      }
    } while (cursor !== '0')
  }
}

function escapedGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&')
}
