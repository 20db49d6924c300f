import type { AdapterEvents } from '../adapter.ts'
import { createListeners } from '../listeners.ts'
import type { RedisClient, Subscriber } from './client.ts'
import type { Connection } from './connection.ts'
import { inTime } from './subscriber.ts'

/** A connection that is asked and does not answer within this time is lost, whatever its socket says. */
const ALIVE_EVERY_MS = 2_000

/**
 * Events through Redis: one connection for all subscriptions of this adapter, made by the first.
 *
 * A lost connection is made again, on a Cluster to any of its masters. Once its subscriptions stand, those who listened before
 * are told of the gap.
 */
export function redisEvents(
  prefix: string,
  { perform, onReady }: Connection,
  publish: AdapterEvents['publish'],
): { events: AdapterEvents; close(): void } {
  const listeners = createListeners()
  /** The channels on which nothing was missed so far. */
  const heard = new Set<string>()
  let current: Subscriber | undefined
  let opening: Promise<Subscriber> | undefined
  let retry: NodeJS.Timeout | undefined
  let pulse: NodeJS.Timeout | undefined
  let closed = false
  let lastClient: RedisClient | undefined
  // The app's connection may now be to another server than the one for subscriptions: after a failover, to another master.
  onReady((again) => {
    if (again && lastClient !== undefined && current !== undefined) lose(lastClient)
  })

  /** Subscriptions to all channels, on a new connection. */
  async function open(client: RedisClient): Promise<Subscriber> {
    let ended = false
    let standing: Subscriber | undefined
    const opened = await client.subscriber({
      onMessage: (channel, message) => listeners.deliver(channel, { type: 'message', message }),
      onEnd() {
        ended = true
        if (standing !== undefined && standing === current) lose(client)
      },
    })
    try {
      const subscribed = [...listeners.channels()].map((channel) => opened.subscribe(channel))
      await inTime(Promise.all(subscribed), () => opened.close())
    } catch (error) {
      opened.close()
      throw error
    }
    if (ended || closed) {
      opened.close()
      throw new Error('the connection for subscriptions was lost')
    }
    current = standing = opened
    lastClient = client
    watch(opened, client)
    for (const channel of listeners.channels()) {
      if (heard.has(channel)) listeners.deliver(channel, { type: 'gap' })
    }
    return opened
  }

  function connected(client: RedisClient): Promise<Subscriber> {
    if (current !== undefined) return Promise.resolve(current)
    clearTimeout(retry)
    opening ??= open(client).finally(() => {
      opening = undefined
    })
    return opening
  }

  function lose(client: RedisClient): void {
    const lost = current
    current = undefined
    clearInterval(pulse)
    lost?.close()
    tryAgain(client, 1)
  }

  function tryAgain(client: RedisClient, attempt: number): void {
    if (closed || ![...listeners.channels()].some((channel) => heard.has(channel))) return
    clearTimeout(retry)
    retry = setTimeout(() => void connected(client).catch(() => tryAgain(client, attempt + 1)), Math.min(50 * attempt, 500))
    retry.unref()
  }

  function watch(subscriber: Subscriber, client: RedisClient): void {
    let answered = true
    clearInterval(pulse)
    pulse = setInterval(() => {
      if (!answered) return lose(client)
      answered = false
      subscriber.ping().then(
        () => {
          answered = true
        },
        () => {}, // its end is told by onEnd
      )
    }, ALIVE_EVERY_MS)
    pulse.unref()
  }

  const events: AdapterEvents = {
    publish,
    async subscribe(channel, listener) {
      const name = prefix + channel
      const remove = listeners.add(name, listener)
      try {
        await perform({ call: 'subscribe', backend: 'redis', key: channel }, undefined, async (client) => {
          const subscriber = await connected(client)
          await subscriber.subscribe(name)
          if (listeners.has(name)) heard.add(name)
          else await subscriber.unsubscribe(name)
        })
      } catch (error) {
        remove()
        throw error
      }
      return async () => {
        remove()
        if (listeners.has(name)) return
        heard.delete(name)
        current?.unsubscribe(name).catch(() => {}) // not waited for: its listener is gone, and Redis may be as well
      }
    },
  }
  return {
    events,
    close() {
      closed = true
      clearTimeout(retry)
      clearInterval(pulse)
      const last = current
      current = undefined
      last?.close()
      listeners.end()
    },
  }
}
