import { type Adapter, subjectKey, valueKey } from '@holdfast/adapter'
import { newToken } from '@holdfast/adapter/lease'
import { checkedString } from '@holdfast/adapter/options'
import type { Budget } from './budget.ts'
import { type Entry, framed, unframed } from './frame.ts'
import { drop } from './operations/drop.ts'
import { store } from './operations/store.ts'
import { type Moment, tagClockOf } from './tag-clock.ts'

/** What was found under a key: an entry that no purge has made invalid, and the moment at which that was asked. */
export interface Looked {
  readonly entry: Entry | undefined
  /** The id of the entry that was there, valid or not; '' when there was none. */
  readonly seen: string
  readonly moment: Moment
}

/** The entries of one cache. */
export interface Entries {
  /** The tag that every entry has, without its being written in it: to clear the cache. */
  readonly tag: string
  /** The channel on which keys are told of which copies have to go. */
  readonly channel: string
  subjectOf(key: string): string
  look(keys: readonly string[], budget: Budget): Promise<Looked[]>
  /** The moment by the clock of purges. */
  moment(budget: Budget): Promise<Moment>
  /** Whether what was stored by `entry`'s clock is still valid at `moment`. */
  isValid(entry: Moment & { readonly tags: readonly string[] }, moment: Moment, budget: Budget): boolean | Promise<boolean>
  /**
   * Keeps an entry, and gives it.
   *
   * @param token The load that it comes from, or the id of the entry that it takes the place of; '' for neither
   * @returns Undefined when the load had lost its lease, or the entry has gone
   */
  keep(key: string, token: string, entry: Omit<Entry, 'id'>, budget: Budget): Promise<Entry | undefined>
  drop(key: string, budget: Budget): Promise<void>
  purge(tags: readonly string[], budget: Budget): Promise<void>
}

export function createEntries(adapter: Adapter, name: string): Entries {
  const clock = tagClockOf(adapter)
  const channel = `cache:${name}`
  const tag = `\0${name}`

  function subjectOf(key: string): string {
    return subjectKey('cache', name, checkedString('key', key))
  }

  function isValid({ epoch, clock: at, tags }: Moment & { readonly tags: readonly string[] }, moment: Moment, budget: Budget) {
    if (epoch === moment.epoch && at >= moment.clock) return true
    return budget.spend(async (options) => clock.isValid({ epoch, clock: at }, moment, [tag, ...tags], options))
  }

  function judged(bytes: Uint8Array | undefined, moment: Moment, budget: Budget): Looked | Promise<Looked> {
    const entry = bytes && unframed(bytes)
    if (entry === undefined) return { entry, seen: '', moment }
    const found = (valid: boolean): Looked => ({ entry: valid ? entry : undefined, seen: entry.id, moment })
    const valid = isValid(entry, moment, budget)
    return typeof valid === 'boolean' ? found(valid) : valid.then(found)
  }

  function momentIn(time: Uint8Array | undefined, budget: Budget): Moment | Promise<Moment> {
    return time === undefined ? budget.spend(async (options) => clock.momentIn(time, options)) : clock.momentIn(time)
  }

  return {
    tag,
    channel,
    subjectOf,

    async look(keys, budget) {
      const asked = [clock.key, ...keys.map((key) => valueKey(subjectOf(key)))]
      const [time, ...found] = await budget.spend((options) => adapter.getMany(asked, options))
      const opened = momentIn(time, budget)
      const moment = opened instanceof Promise ? await opened : opened
      return Promise.all(found.map(async (bytes) => judged(bytes, moment, budget)))
    },

    async moment(budget) {
      const time = await budget.spend((options) => adapter.get(clock.key, options))
      return momentIn(time, budget)
    },

    isValid,

    async keep(key, token, parts, budget) {
      const { freshMs, staleMs, errorMs } = parts
      const entry = { ...parts, id: newToken() }
      const subject = subjectOf(key)
      const args = {
        token,
        id: entry.id,
        bytes: framed(entry),
        ttlMs: freshMs + Math.max(staleMs, errorMs),
        wake: subject,
        channel: token === '' ? channel : '',
        message: key,
      }
      const stored = await budget.spend((options) => adapter.run(store, subject, args, options))
      return stored ? entry : undefined
    },

    async drop(key, budget) {
      const subject = subjectOf(key)
      await budget.spend((options) => adapter.run(drop, subject, { wake: subject, channel, message: key }, options))
    },

    purge: (tags, budget) => budget.spend((options) => clock.purge(tags, options)),
  }
}
