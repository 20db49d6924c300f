import type { Adapter, CallOptions } from '@holdfast/adapter'
import type { Cost, Limit } from './cost.ts'
import type { Decision } from './decision.ts'
import type { Policy } from './policy.ts'

export interface ConsumeOptions extends CallOptions {
  /** What the call costs: a number for all policies, or by policy name, where one left out is charged 1. Defaults to 1. */
  readonly cost?: Cost
  /** Another limit for this call: a number for all policies, or by policy name. It counts on with what was used. */
  readonly limit?: Limit
}

export interface RateLimiter {
  readonly name: string
  readonly policies: readonly Policy[]
  readonly adapter: Adapter

  /**
   * Takes `cost` units from the quota of `key`, if that many are left in every policy. One round trip, none for a refusal that the deny
   * cache knows. A refused call costs nothing.
   *
   * @param key Whose quota this is: a user id, an API key, a client address
   * @returns Whether the call may proceed, and in how many milliseconds the same call would. While the adapter fails, the failure
   *   policy's answer.
   * @throws {TypeError | RangeError} when the key is no string, the cost or a limit no whole number from 0 on, the options no object or
   *   one of them unknown
   */
  consume(key: string, options?: ConsumeOptions): Promise<Decision>

  /** The decision that `consume` would give; nothing is charged, nothing is created. */
  peek(key: string, options?: ConsumeOptions): Promise<Decision>

  /**
   * Forgets what `key` has used, and its block.
   *
   * @throws {AdapterError} when the adapter fails
   */
  reset(key: string, options?: CallOptions): Promise<void>

  /**
   * Refuses every call of `key` from now on; never for less long than it is blocked already.
   *
   * @param durationMs For how long, in milliseconds. Defaults to what `penalty` says, as after a refusal.
   * @returns For how long it is blocked
   * @throws {AdapterError} when the adapter fails; with `failure: 'local'` this process blocks the key while it does
   * @throws {RangeError} when `durationMs` is no whole number from 1 on, or left out without a `penalty`
   */
  block(key: string, durationMs?: number, options?: CallOptions): Promise<number>

  /**
   * Ends a block, and forgets earlier ones. What was used stays.
   *
   * @returns Whether the key was blocked
   * @throws {AdapterError} when the adapter fails
   */
  unblock(key: string, options?: CallOptions): Promise<boolean>
}
