import { Redis } from 'ioredis'
import { now, type Span } from './clock.ts'
import type { Target } from './targets.ts'

const LOOK_MS = 50
const LATE_MS = 200

/**
 * Tells when this process had no time: on a busy machine everything is late by that.
 *
 * @returns Ends it
 */
export function watchStalls(tell: (span: Span) => void): () => void {
  let looked = now()
  const timer = setInterval(() => {
    const at = now()
    if (at - looked > LOOK_MS + LATE_MS) tell({ from: looked, to: at })
    looked = at
  }, LOOK_MS).unref()
  return () => clearInterval(timer)
}

/** The same of a Redis that is reached without the network which fails. */
export function watchRedis({ server: { host, port } }: Target, tell: (span: Span) => void): () => void {
  const redis = new Redis({ host, port, retryStrategy: () => LOOK_MS, maxRetriesPerRequest: 0 })
  redis.on('error', () => {}) // it is killed now and then

  async function look(): Promise<void> {
    const from = now()
    await redis.ping().catch(() => {})
    const span = { from, to: now() }
    if (span.to - from > LATE_MS / 2) tell(span)
  }

  const timer = setInterval(() => void look(), LOOK_MS).unref()
  return () => {
    clearInterval(timer)
    redis.disconnect()
  }
}
