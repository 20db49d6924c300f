import type { Adapter } from '@holdfast/adapter'
import { createLru } from '@holdfast/adapter/lru'
import type { Entry } from './frame.ts'
import type { NearOptions } from './options.ts'
import { freezePlain } from './plain.ts'
import { PURGES_CHANNEL } from './tag-clock.ts'
import type { Tagged } from './task.ts'

/** What was asked of the adapter: if copies of the key go meanwhile, what comes of it is not kept. */
export interface Asked {
  isOutdated: boolean
}

/** Copies of values in this process. Messages tell when one has to go. */
export interface Near {
  /** The value of a copy, if there is one that may be served without asking. */
  find(key: string): Tagged | undefined
  /** The value of this very entry, if a copy of it is here. */
  valueOf(key: string, entry: Entry): Tagged | undefined
  ask(key: string): Asked
  /** What was asked has come, or failed. */
  answered(key: string, asked: Asked): void
  /** Keeps a copy for `ttlMs` at the most. */
  keep(key: string, asked: Asked, entry: Entry, ttlMs: number): void
  forget(key: string): void
  /** These tags were purged. */
  purge(tags: readonly string[]): void
}

interface Copy {
  readonly id: string
  readonly body: Uint8Array
  readonly tags: readonly string[]
  /** The same for every caller when it is frozen through and through; else it is decoded for each. */
  readonly frozen: Tagged | undefined
  /** How many purges had been heard of when it was found to be valid. */
  heard: number
  /** Its end by the monotonic clock: that of the adapter may be set back. */
  until: number
}

const RETRY_MS = 1_000
/** How many purged tags are remembered; then all copies go. */
const MOST_TAGS = 10_000

export function createNear(
  adapter: Adapter,
  options: Required<NearOptions>,
  { channel, tag, decode }: { readonly channel: string; readonly tag: string; readonly decode: (bytes: Uint8Array) => unknown },
): Near {
  const copies = createLru<Copy>({
    maxBytes: options.maxBytes,
    sizeOf: ({ body, frozen }) => (frozen === undefined ? body.byteLength : 2 * body.byteLength),
    now: adapter.now,
  })
  const pending = new Map<string, Set<Asked>>()
  const purgedAt = new Map<string, number>()
  let heard = 0
  let isHearing = false
  let triesAt = 0

  function listen(): void {
    const now = performance.now()
    if (isHearing || now < triesAt) return
    triesAt = Number.POSITIVE_INFINITY
    const subscriptions = [
      adapter.events.subscribe(channel, (event) => (event.type === 'gap' ? clear() : forget(event.message))),
      adapter.events.subscribe(PURGES_CHANNEL, (event) => (event.type === 'gap' ? clear() : hear(event.message))),
    ]
    Promise.all(subscriptions).then(
      () => {
        clear()
        isHearing = true
      },
      () => {
        triesAt = performance.now() + RETRY_MS
        for (const each of subscriptions) each.then((end) => end()).catch(() => {})
      },
    )
  }

  function hear(message: string): void {
    const tags = JSON.parse(message.slice(message.indexOf(' ') + 1)) as readonly string[] // written by `purge`
    purge(tags)
  }

  function purge(tags: readonly string[]): void {
    if (tags.includes(tag)) return clear()
    heard += 1
    for (const each of tags) purgedAt.set(each, heard)
    if (purgedAt.size > MOST_TAGS) return clear()
    outdateAll()
  }

  function outdateAll(): void {
    for (const all of pending.values()) for (const asked of all) asked.isOutdated = true
  }

  function clear(): void {
    copies.clear()
    purgedAt.clear()
    outdateAll()
  }

  function forget(key: string): void {
    copies.delete(key)
    for (const asked of pending.get(key) ?? []) asked.isOutdated = true
  }

  function isPurged({ tags, heard: before }: Copy): boolean {
    return tags.some((each) => (purgedAt.get(each) ?? 0) > before)
  }

  function valueIn({ frozen, body, tags }: Copy): Tagged {
    return frozen ?? { value: decode(body), tags }
  }

  function copyOf(id: string, kept: Uint8Array, tags: readonly string[]): Copy {
    const body = Buffer.from(kept)
    const value = decode(body)
    return { id, body, tags, frozen: freezePlain(value) ? { value, tags } : undefined, heard, until: 0 }
  }

  return {
    find(key) {
      if (options.strict) return undefined
      const copy = copies.get(key)
      if (copy === undefined || copy.until <= performance.now()) return undefined
      if (copy.heard !== heard) {
        if (isPurged(copy)) {
          copies.delete(key)
          return undefined
        }
        copy.heard = heard
      }
      return valueIn(copy)
    },
    valueOf(key, { id }) {
      const copy = copies.get(key)
      return copy?.id === id ? valueIn(copy) : undefined
    },
    ask(key) {
      if (!options.strict) listen() // what is checked each time needs no messages
      const asked = { isOutdated: !isHearing && !options.strict }
      const all = pending.get(key)
      if (all === undefined) pending.set(key, new Set([asked]))
      else all.add(asked)
      return asked
    },
    answered(key, asked) {
      const all = pending.get(key)
      all?.delete(asked)
      if (all?.size === 0) pending.delete(key)
    },
    keep(key, asked, { id, body: kept, tags }, ttlMs) {
      if (asked.isOutdated) return
      const known = copies.get(key)
      const copy = known?.id === id ? known : copyOf(id, kept, tags)
      const leftMs = Math.min(ttlMs, options.ttlMs)
      copy.heard = heard
      copy.until = performance.now() + leftMs
      copies.set(key, copy, leftMs)
    },
    forget,
    purge,
  }
}
