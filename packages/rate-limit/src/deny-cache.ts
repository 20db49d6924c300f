import { type Adapter, perAdapter } from '@holdfast/adapter'
import type { Decision } from './decision.ts'
import type { Policy } from './policy.ts'

/** The moment at which a decision was asked for. */
export interface Asked {
  /** By the monotonic clock. */
  readonly sentAt: number
  /** By the adapter's. */
  readonly sentTime: number
  /** How often capacity had been freed. */
  readonly freed: number
}

/** A refusal that covers calls which come after it. */
export interface Refusal {
  /** The adapter's key, by which other processes name it. */
  readonly subject: string
  readonly policies: readonly Policy[]
  /** Calls that cost at least `cost` in this policy are refused; undefined: all calls. */
  readonly index: number | undefined
  readonly cost: number
  readonly lastsMs: number
  readonly decision: Decision
}

/** What a process remembers of refusals, to give the next ones without the adapter. */
export interface DenyCache {
  ask(): Asked
  /** The refusal of a call that an earlier one shows to be refused. */
  find(key: string, policies: readonly Policy[], costs: readonly number[]): Decision | undefined
  remember(key: string, asked: Asked, refusal: Refusal): void
  /** The usage of `key` has changed. */
  forget(key: string): void
}

interface Remembered extends Refusal {
  readonly asked: Asked
  readonly repliedTime: number
}

/** How many refusals are remembered: calls that the oldest of them covers go to the adapter again. */
const MOST = 10_000
/** How long a refusal is remembered while nobody would tell that capacity was freed. */
const UNHEARD_MS = 1_000

const cachesOf = perAdapter(() => new Map<string, DenyCache>())

/** The one of all limiters that tell each other on `channel`, however many are made. */
export function denyCacheOf(adapter: Adapter, channel: string): DenyCache {
  const caches = cachesOf(adapter)
  const cache = caches.get(channel) ?? createDenyCache(adapter, channel)
  caches.set(channel, cache)
  return cache
}

/**
 * A refusal is remembered from when it was asked for until the call could pass, by the monotonic clock and by the adapter's, or
 * until some process says on `channel` that it freed capacity.
 */
function createDenyCache(adapter: Adapter, channel: string): DenyCache {
  const byKey = new Map<string, Remembered>()
  const keys = new Map<string, string>()
  let freed = 0
  let state: 'unheard' | 'subscribing' | 'heard' = 'unheard'

  function listen(): void {
    if (state !== 'unheard') return
    state = 'subscribing'
    const subscribed = adapter.events.subscribe(channel, (event) => {
      freed += 1
      if (event.type === 'gap') clear()
      else drop(keys.get(event.message))
    })
    subscribed.then(
      () => {
        state = 'heard'
        freed += 1
        clear()
      },
      () => {
        state = 'unheard' // the adapter fails: the next refusal tries again
      },
    )
  }

  function clear(): void {
    byKey.clear()
    keys.clear()
  }

  function drop(key: string | undefined): void {
    const remembered = key === undefined ? undefined : byKey.get(key)
    if (key === undefined || remembered === undefined) return
    byKey.delete(key)
    keys.delete(remembered.subject)
  }

  return {
    ask: () => ({ sentAt: performance.now(), sentTime: adapter.now(), freed }),

    find(key, policies, costs) {
      const remembered = byKey.get(key)
      if (remembered === undefined) return undefined
      const { asked, repliedTime, lastsMs, index, cost, decision } = remembered
      const time = adapter.now()
      const sinceMs = time - asked.sentTime
      if (sinceMs < 0 || sinceMs >= lastsMs || performance.now() - asked.sentAt >= lastsMs) {
        drop(key)
        return undefined
      }
      if (policies !== remembered.policies || (index !== undefined && (costs[index] ?? 1) < cost)) return undefined
      const isNever = policies.some(({ limit, shadow }, at) => !shadow && (costs[at] ?? 1) > limit)
      if (isNever === Number.isFinite(decision.retryAfterMs)) return undefined // it has another wait
      return aged(decision, Math.max(0, time - repliedTime))
    },

    remember(key, asked, refusal) {
      listen()
      if (asked.freed !== freed) return // perhaps for this key, after the refusal
      drop(key)
      if (byKey.size >= MOST) drop(byKey.keys().next().value)
      const isTold = state === 'heard' || adapter.scope === 'process'
      const lastsMs = isTold ? refusal.lastsMs : Math.min(refusal.lastsMs, UNHEARD_MS)
      byKey.set(key, { ...refusal, lastsMs, asked, repliedTime: adapter.now() })
      keys.set(refusal.subject, key)
    },

    forget(key) {
      freed += 1
      drop(key)
    },
  }
}

/** A refusal as it is some milliseconds later. */
function aged(decision: Decision, sinceMs: number): Decision {
  if (sinceMs === 0) return decision
  const policies = decision.policies.map((policy) => ({
    ...policy,
    nextMs: left(policy.nextMs, sinceMs),
    fullMs: left(policy.fullMs, sinceMs),
  }))
  return { ...decision, retryAfterMs: left(decision.retryAfterMs, sinceMs), policies }
}

/** What is left of a wait that is not over. */
function left(ms: number, sinceMs: number): number {
  return ms === 0 ? 0 : Math.max(1, ms - sinceMs)
}
