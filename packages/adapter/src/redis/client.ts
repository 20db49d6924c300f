import type { RedisArgument } from '../operation.ts'

/** What the adapter asks of a client library. Strings come back as their bytes. */
export interface RedisClient {
  evalSha(sha: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>
  eval(lua: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>
  get(key: string): Promise<Buffer | null>
  getMany(keys: readonly string[]): Promise<(Buffer | null)[]>
  publish(channel: string, message: string): Promise<unknown>
  /** A connection of its own, for subscriptions. */
  subscriber(): Subscriber
  /** Why a command would not reach Redis now, or undefined when it would. Asking costs nothing. */
  outage(): Error | undefined
  /** Lets go of the client; ends it only when the adapter made it. */
  close(): Promise<void>
}

export interface Subscriber {
  subscribe(channels: readonly string[]): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  onMessage(listener: (channel: string, message: string) => void): void
  /** The connection was lost and stands again; its subscriptions may be gone. */
  onReconnect(listener: () => void): void
  close(): void
}
