import type { AdapterEvents, CallOptions } from '../adapter.ts'
import { createListeners } from '../listeners.ts'
import type { AdapterCall } from '../trace.ts'
import type { RedisClient, Subscriber } from './client.ts'

type Perform = <T>(
  call: Omit<AdapterCall, 'backend'>,
  options: CallOptions | undefined,
  work: (client: RedisClient) => Promise<T>,
) => Promise<T>

/** Events through Redis: one connection for all subscriptions of this adapter, made by the first. */
export function redisEvents(prefix: string, perform: Perform): { events: AdapterEvents; close(): void } {
  const listeners = createListeners()
  let subscriber: Subscriber | undefined

  function subscriberOf(client: RedisClient): Subscriber {
    if (subscriber !== undefined) return subscriber
    const created = client.subscriber()
    created.onMessage((channel, message) => listeners.deliver(channel, { type: 'message', message }))
    created.onReconnect(() => {
      const channels = [...listeners.channels()]
      if (channels.length === 0) return
      created.subscribe(channels).then(
        () => {
          for (const channel of channels) listeners.deliver(channel, { type: 'gap' })
        },
        () => {}, // lost again: the next connection subscribes, and tells of the gap
      )
    })
    subscriber = created
    return created
  }

  const events: AdapterEvents = {
    async publish(channel, message, options) {
      await perform({ call: 'publish', key: channel }, options, (client) => client.publish(prefix + channel, message))
    },
    async subscribe(channel, listener) {
      const name = prefix + channel
      const remove = listeners.add(name, listener)
      try {
        await perform({ call: 'subscribe', key: channel }, undefined, (client) => subscriberOf(client).subscribe([name]))
      } catch (error) {
        remove()
        throw error
      }
      return async () => {
        remove()
        if (!listeners.has(name)) await subscriber?.unsubscribe(name).catch(() => {}) // a lost connection has no subscriptions
      }
    },
  }
  return { events, close: () => subscriber?.close() }
}
