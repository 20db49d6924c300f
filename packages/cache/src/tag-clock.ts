import { type Adapter, type CallOptions, perAdapter, subjectKey, valueKey } from '@holdfast/adapter'
import { newToken } from '@holdfast/adapter/lease'
import { openClock } from './operations/open-clock.ts'
import { purge } from './operations/purge.ts'
import { purgedSince } from './operations/purged-since.ts'
import { MOST_PURGES } from './operations/purges.ts'

/** A moment of the clock of purges. */
export interface Moment {
  readonly epoch: string
  readonly clock: number
}

/** The logical clock of purges: one for each adapter, shared by everything that has tags there. */
export interface TagClock {
  /** The value to ask for beside an entry, and `momentIn` what came of it. */
  readonly key: string
  /** The moment in this value; a clock that does not exist is started. */
  momentIn(value: Uint8Array | undefined, options?: CallOptions): Moment | Promise<Moment>
  /** Whether none of `tags` was purged after `stored`, up to `now`. Without a call where this process knows. */
  isValid(stored: Moment, now: Moment, tags: readonly string[], options?: CallOptions): boolean | Promise<boolean>
  /** Purges tags: what was loaded before is not valid any more, anywhere. */
  purge(tags: readonly string[], options?: CallOptions): Promise<void>
}

/** The channel on which purges are told: the clock, a space, and the tags as JSON. */
export const PURGES_CHANNEL = 'cache:purges'

const KEY = subjectKey('cache', 'tags', 'clock')
const TAGS_AT_ONCE = 100
const PAGE = 1_000
/** How many tags a process remembers; then it begins again. */
const MOST_KNOWN = 2 * MOST_PURGES

function nothingSince({ epoch, clock }: Moment): Knowledge {
  return { epoch, from: clock, to: clock, purgedAt: new Map() }
}

export const tagClockOf: (adapter: Adapter) => TagClock = perAdapter(createTagClock)

/** What this process knows of the purges after `from`, up to `to`. */
interface Knowledge {
  readonly epoch: string
  readonly from: number
  to: number
  readonly purgedAt: Map<string, number>
}

function createTagClock(adapter: Adapter): TagClock {
  let known: Knowledge = { epoch: '', from: 0, to: 0, purgedAt: new Map() }
  let opening: Promise<string> | undefined
  let learning: Promise<unknown> = Promise.resolve()

  function knows(stored: Moment, now: Moment): boolean {
    return known.epoch === now.epoch && known.from <= stored.clock && known.to >= now.clock
  }

  /** Learns what was purged after `stored`, up to `now` at the least; what cannot be known any more counts as purged. */
  async function learn(stored: Moment, now: Moment, tags: readonly string[], options: CallOptions | undefined): Promise<boolean> {
    while (!knows(stored, now)) {
      const goesOn = known.epoch === now.epoch && known.from <= stored.clock && known.purgedAt.size < MOST_KNOWN
      if (!goesOn) known = nothingSince(stored)
      const page = await adapter.run(purgedSince, KEY, { epoch: now.epoch, since: known.to, most: PAGE }, options)
      if (page === undefined || page.floor > stored.clock || page.tags.length === 0) return false
      if (page.floor > known.to) known = nothingSince(stored)
      if (page.from !== known.to) continue
      for (const [index, tag] of page.tags.entries()) known.purgedAt.set(tag, page.from + index + 1)
      known.to = page.from + page.tags.length
    }
    return isTrue(stored, tags)
  }

  function isTrue({ clock }: Moment, tags: readonly string[]): boolean {
    return tags.every((tag) => (known.purgedAt.get(tag) ?? 0) <= clock)
  }

  function open(options: CallOptions | undefined): Promise<string> {
    opening ??= adapter.run(openClock, KEY, { epoch: newToken() }, options).finally(() => {
      opening = undefined
    })
    return opening
  }

  return {
    key: valueKey(KEY),

    momentIn(value, options) {
      return value === undefined
        ? open(options).then(momentOf)
        : momentOf(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'))
    },

    isValid(stored, now, tags, options) {
      if (stored.epoch !== now.epoch) return false
      if (stored.clock >= now.clock) return true
      if (knows(stored, now)) return isTrue(stored, tags)
      const learned = learning.then(() => learn(stored, now, tags, options))
      learning = learned.catch(() => {})
      return learned
    },

    async purge(tags, options) {
      const epoch = newToken()
      for (let at = 0; at < tags.length; at += TAGS_AT_ONCE) {
        const some = tags.slice(at, at + TAGS_AT_ONCE)
        await adapter.run(purge, KEY, { tags: some, epoch, channel: PURGES_CHANNEL, most: MOST_PURGES }, options)
      }
    },
  }
}

function momentOf(text: string): Moment {
  const colon = text.indexOf(':')
  return { epoch: text.slice(0, colon), clock: Number(text.slice(colon + 1)) }
}
