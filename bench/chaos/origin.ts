import { once } from 'node:events'
import { createServer } from 'node:http'

/** Whose versions are cached: each has a number that only grows. */
export interface Origin {
  readonly url: string
  versionOf(id: string): number
  /** @returns The new version */
  change(id: string): number
  close(): void
}

export async function startOrigin(): Promise<Origin> {
  const versions = new Map<string, number>()
  const versionOf = (id: string): number => versions.get(id) ?? 1
  const server = createServer((req, res) => res.end(String(versionOf((req.url ?? '').slice(1))))).listen(0, '127.0.0.1')
  server.keepAliveTimeout = 0 // a process that is stopped for long keeps its connections
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    versionOf,
    change(id) {
      const version = versionOf(id) + 1
      versions.set(id, version)
      return version
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
