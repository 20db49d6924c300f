import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { RedisServer } from '@holdfast/test/redis'

/** How long a client waits while Redis is frozen. */
const PATIENCE_MS = 5_000

/** A library, and what it makes of a scene: a count, or a time. */
export interface Trial {
  readonly name: string
  run(): Promise<string>
}

/** Tries one library after the other, and prints what each makes of it. */
export async function compare(scene: string, trials: readonly Trial[]): Promise<void> {
  console.log(`\n${scene}`)
  for (const { name, run } of trials) console.log(`  ${name.padEnd(44)} ${await run()}`)
}

/** Serves an app while something is done with it. */
async function serving<T>(app: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  try {
    return await use(`http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

/** The same scene for each app. */
export function eachOf(apps: Readonly<Record<string, RequestListener>>, scene: (url: string) => Promise<string>): Trial[] {
  return Object.entries(apps).map(([name, app]) => ({ name, run: () => serving(app, scene) }))
}

/** How an app answers a client that it knows while Redis is frozen. */
export async function whileFrozen(redis: RedisServer, url: string, headers: Record<string, string> = {}): Promise<string> {
  await answerOf(url, { headers })
  redis.freeze()
  const from = performance.now()
  try {
    const { status } = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) })
    return `${status} after ${Math.round(performance.now() - from)} ms`
  } catch {
    return `nothing within ${PATIENCE_MS / 1_000} s`
  } finally {
    redis.thaw()
  }
}

/** What an app answers, as text. */
export async function answerOf(url: string, options: RequestInit = {}): Promise<string> {
  const response = await fetch(url, options)
  return response.text()
}

/** Does the same `count` times at once. */
export function atOnce<T>(count: number, act: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => act(index)))
}
