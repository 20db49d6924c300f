import type { RedisArgument } from '../operation.ts'

/** What the adapter asks of a client library. Strings come back as their bytes, and a client's own key prefix is honoured. */
export interface RedisClient {
  evalSha(sha: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>
  eval(lua: string, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown>
  get(key: string): Promise<Buffer | null>
  /** The keys are in one slot. */
  getMany(keys: readonly string[]): Promise<(Buffer | null)[]>
  /** Whether keys are in slots, as on a Cluster. */
  readonly hasSlots: boolean
  /** The slot of a key on a Cluster; 0 elsewhere, where all keys are in one place. */
  slotOf(key: string): number
  /** The address of the master that has a slot, as far as the client knows; '' elsewhere. */
  masterOf(slot: number): string
  /** What is believed of the Cluster may be out of date: has the client ask it again, where it would not by itself. */
  lookAgain(): void
  /** Every master, to scan. */
  masters(): Promise<readonly Scanner[]>
  /** Opens a connection for subscriptions. Once lost it does not come back by itself. */
  subscriber(hooks: SubscriberHooks): Promise<Subscriber>
  /** Why a command would not reach Redis now, or undefined when it would. Asking costs nothing. */
  outage(): Error | undefined
  /** Lets go of the client; ends it only when the adapter made it. */
  close(): Promise<void>
}

/** The keys of one master, page by page, as Redis has them: with the client's own prefix. */
export interface Scanner {
  readonly keyPrefix: string
  scan(cursor: string, pattern: string, count: number): Promise<{ cursor: string; keys: readonly string[] }>
}

export interface SubscriberHooks {
  onMessage(channel: string, message: string): void
  /** The connection is lost, or was closed. */
  onEnd(): void
}

export interface Subscriber {
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  ping(): Promise<unknown>
  close(): void
}

/** Whose client it is, and what the adapter wants to hear of it. */
export interface ClientHooks {
  /** `close` ends a client of the adapter's own, and lets go of one that was given. */
  readonly isOwn: boolean
  onError(error: Error): void
  /** The connection stands, for the first time or again: then perhaps to another server. */
  onReady(again: boolean): void
}
