import type { AlgorithmName } from '@holdfast/rate-limit'

/** What an algorithm must do, in the plainest way: states are never changed, and only say whether something fits. */
export interface Model<State> {
  readonly empty: State
  /** Whether it lies ahead of a clock that was set back. */
  isAhead(state: State, now: number): boolean
  /** What counts at `now`. */
  open(state: State, now: number): State
  /** Whether `cost` more units are within `limit` at `now` or later, if nothing else comes. */
  fits(state: State, cost: number, limit: number, now: number): boolean
  charge(state: State, cost: number, now: number): State
  /** With a charge made at `at` changed by so many units; undefined where it does not count any more. */
  change(state: State, at: number, units: number, limit: number, now: number): State | undefined
}

interface Hit {
  readonly at: number
  readonly units: number
}

function log(windowMs: number): Model<readonly Hit[]> {
  return {
    empty: [],
    isAhead: (hits, now) => hits.some(({ at }) => at > now),
    open: (hits, now) => hits.filter(({ at }) => at + windowMs > now).map(({ at, units }) => ({ at: Math.min(at, now), units })),
    fits(hits, cost, limit, now) {
      const used = hits.reduce((sum, { at, units }) => (now - windowMs < at ? sum + units : sum), 0)
      return used + cost <= limit
    },
    charge: (hits, cost, now) => [...hits, { at: now, units: cost }],
    change(hits, at, units) {
      const then = hits.filter((hit) => hit.at === at)
      if (then.length === 0) return undefined
      const left = then.reduce((sum, hit) => sum + hit.units, units)
      const others = hits.filter((hit) => hit.at !== at)
      return left > 0 ? [...others, { at, units: left }] : others
    },
  }
}

interface Window {
  readonly start: number
  readonly used: number
}

function fixed(windowMs: number): Model<Window | undefined> {
  return {
    empty: undefined,
    isAhead: (window, now) => window !== undefined && window.start > now,
    open: (window, now) =>
      window === undefined || window.start + windowMs <= now ? undefined : { ...window, start: Math.min(window.start, now) },
    fits: (window, cost, limit, now) =>
      cost <= limit && (window === undefined || now >= window.start + windowMs || window.used + cost <= limit),
    charge: (window, cost, now) => ({ start: window?.start ?? now, used: (window?.used ?? 0) + cost }),
    change: (window, at, units) =>
      window === undefined || at < window.start ? undefined : { ...window, used: Math.max(0, window.used + units) },
  }
}

interface Windows {
  readonly start: number
  readonly previous: number
  readonly current: number
}

function counter(windowMs: number): Model<Windows> {
  const beginOf = (now: number) => now - (now % windowMs)

  function open({ start, previous, current }: Windows, now: number): Windows {
    const begins = beginOf(now)
    if (start > begins) return { start: begins, previous: 0, current: previous + current }
    if (start === begins) return { start, previous, current }
    return { start: begins, previous: start === begins - windowMs ? current : 0, current: 0 }
  }

  return {
    empty: { start: 0, previous: 0, current: 0 },
    isAhead: ({ start }, now) => start > beginOf(now),
    open,
    fits(windows, cost, limit, now) {
      const { start, previous, current } = open(windows, now)
      const weighted = previous * (windowMs - (now - start)) + current * windowMs
      return cost <= limit && weighted + cost * windowMs <= limit * windowMs
    },
    charge: (windows, cost) => ({ ...windows, current: windows.current + cost }),
    change(windows, at, units) {
      const { start, previous, current } = windows
      if (at < start - windowMs || previous + current === 0) return undefined
      if (at < start) return { ...windows, previous: Math.max(0, previous + units) }
      return { ...windows, current: Math.max(0, current + units) }
    },
  }
}

/** Tokens that are missing, times `windowMs`. */
interface Bucket {
  readonly missing: number
  readonly at: number
  /** When it was whole last. */
  readonly since: number
}

function bucket(windowMs: number, refill: number): Model<Bucket> {
  function open({ missing, at, since }: Bucket, now: number): Bucket {
    const left = Math.max(0, missing - Math.max(0, now - at) * refill)
    return { missing: left, at: now, since: left === 0 ? now : Math.min(since, now) }
  }

  return {
    empty: { missing: 0, at: 0, since: 0 },
    isAhead: ({ missing, at }, now) => missing > 0 && at > now,
    open,
    fits: (state, cost, limit, now) => cost <= limit && open(state, now).missing + cost * windowMs <= limit * windowMs,
    charge: (state, cost) => ({ ...state, missing: state.missing + cost * windowMs }),
    change(state, chargedAt, units, limit, now) {
      const { missing, since } = state
      if (units < 0 && since > chargedAt) return undefined
      const cameBack = (now - chargedAt) * refill
      if (cameBack >= limit * windowMs) return undefined
      const left = Math.max(0, (missing === 0 ? -cameBack : missing) + units * windowMs)
      return missing === 0 && left === 0 ? undefined : { ...state, missing: left }
    },
  }
}

/** A model with its state, which is kept as an adapter keeps it: only when something has changed. */
export interface Modelled {
  /** The wait until `cost` fits: every millisecond is tried. */
  wait(cost: number, limit: number, now: number): number
  remaining(limit: number, now: number): number
  charge(cost: number, now: number): void
  change(at: number, units: number, limit: number, now: number): boolean
}

export function modelled(algorithm: AlgorithmName, windowMs: number, refill: number): Modelled {
  switch (algorithm) {
    case 'sliding-window-log':
      return kept(log(windowMs))
    case 'fixed-window':
      return kept(fixed(windowMs))
    case 'sliding-window-counter':
      return kept(counter(windowMs))
    case 'token-bucket':
      return kept(bucket(windowMs, refill))
    case 'concurrency':
      throw new TypeError('Slots end when they are released')
  }
}

function kept<State>(model: Model<State>): Modelled {
  let state = model.empty

  function opened(now: number): State {
    const open = model.open(state, now)
    if (model.isAhead(state, now)) state = open
    return open
  }

  return {
    wait(cost, limit, now) {
      const open = opened(now)
      if (cost > limit) return Number.POSITIVE_INFINITY
      let waitMs = 0
      while (!model.fits(open, cost, limit, now + waitMs)) waitMs += 1
      return waitMs
    },
    remaining(limit, now) {
      const open = opened(now)
      let units = limit
      while (units > 0 && !model.fits(open, units, limit, now)) units -= 1
      return units
    },
    charge(cost, now) {
      state = model.charge(opened(now), cost, now)
    },
    change(at, units, limit, now) {
      const changed = model.change(opened(now), at, units, limit, now)
      if (changed !== undefined) state = changed
      return changed !== undefined
    },
  }
}
