import type { Waiting } from './deadline.ts'

/** Something that is sent to Redis for one who waits, with others where they meet. */
export interface Item {
  readonly waiting: Waiting
  /** What it takes to send, roughly. */
  readonly bytes: number
}

export interface LanesOptions<Sent extends Item> {
  /** Sends items of one lane together. Never rejects: what becomes of each is told to its caller. */
  readonly send: (batch: readonly [Sent, ...Sent[]]) => Promise<void>
  /** How many go together at the most. */
  readonly mostItems: number
  /** How long a batch keeps others back: longer than calls wait, so that a silent master's circuit opens before the others go. */
  readonly patienceMs: number
}

/** What goes together: of one group, in one slot. */
export interface Lanes<Sent extends Item> {
  add(group: object, slot: number, item: Sent): void
  /** The connection is a new one: what was on its way on the old one keeps nothing back. */
  resume(): void
}

/** While as many batches as may be are on their way, the items that come wait, and go together. */
interface Lane<Sent> {
  queue: Sent[]
  /** What is on its way and keeps others back. */
  readonly flights: Set<Flight>
  /** Whether what waits is about to be sent. */
  isDue: boolean
}

/** A connection can be dead for minutes before it says so, and a client may never say so: after a while, others may go. */
interface Flight {
  readonly items: number
  readonly keepsBackUntil: number
}

/** While Redis works on one batch, the answers to another are taken in. */
const MOST_FLIGHTS = 2
/** Fewer than this are not worth two batches. */
const WORTH_HALVING = 8
const MOST_BYTES = 64 * 1024
const IDLE_LANES = 1_000

/**
 * What comes while one piece of JavaScript runs goes together, at its end: an item that comes alone waits for nothing. Of a lane two
 * batches are on their way at most: what comes meanwhile waits for one of them, and goes together.
 */
export function createLanes<Sent extends Item>({ send, mostItems, patienceMs }: LanesOptions<Sent>): Lanes<Sent> {
  const lanes = new Map<object, Map<number, Lane<Sent>>>()

  /** On a Cluster there are more slots than are worth remembering. */
  function forgetIfIdle(bySlot: Map<number, Lane<Sent>>, slot: number, { flights, queue }: Lane<Sent>): void {
    if (bySlot.size > IDLE_LANES && flights.size === 0 && queue.length === 0) bySlot.delete(slot)
  }

  /** Sends what waits, as much as may go together. */
  function pump(bySlot: Map<number, Lane<Sent>>, slot: number, lane: Lane<Sent>): void {
    const [first, ...others] = nextBatch(lane, mostItems)
    if (first === undefined) return
    const flight: Flight = { items: 1 + others.length, keepsBackUntil: first.waiting.since + patienceMs }
    lane.flights.add(flight)
    const ended = (): void => {
      if (!lane.flights.delete(flight)) return
      pump(bySlot, slot, lane)
      forgetIfIdle(bySlot, slot, lane)
    }
    // Where several were answered together, their callers may ask for more together, once they have run.
    void send([first, ...others]).then(others.length === 0 ? ended : () => setImmediate(ended))
  }

  return {
    add(group, slot, item) {
      if (item.bytes > MOST_BYTES) return void send([item])
      const bySlot = lanes.get(group) ?? new Map<number, Lane<Sent>>()
      lanes.set(group, bySlot)
      const lane = bySlot.get(slot) ?? { queue: [], flights: new Set<Flight>(), isDue: false }
      bySlot.set(slot, lane)
      lane.queue.push(item)
      if (lane.isDue || isKeptBack(lane)) return
      lane.isDue = true
      queueMicrotask(() => {
        lane.isDue = false
        while (lane.queue.length > 0 && !isKeptBack(lane)) pump(bySlot, slot, lane)
      })
    },
    resume() {
      for (const bySlot of lanes.values()) {
        for (const [slot, lane] of bySlot) {
          lane.flights.clear()
          pump(bySlot, slot, lane)
        }
      }
    },
  }
}

function isKeptBack({ flights }: Lane<unknown>): boolean {
  if (flights.size < MOST_FLIGHTS) return false
  const now = performance.now()
  for (const { keepsBackUntil } of flights) if (keepsBackUntil <= now) return false
  return true
}

/** Takes from the queue what goes next; those for whom nobody waits any more are dropped: they have not run. */
function nextBatch<Sent extends Item>({ queue, flights }: Lane<Sent>, mostItems: number): Sent[] {
  let all = queue.length
  for (const { items } of flights) all += items
  const fair = Math.min(mostItems, Math.max(WORTH_HALVING, Math.ceil(all / MOST_FLIGHTS)))
  const batch: Sent[] = []
  let bytes = 0
  let taken = 0
  for (const item of queue) {
    if (batch.length === fair || bytes + item.bytes > MOST_BYTES) break
    taken += 1
    if (item.waiting.over) continue
    batch.push(item)
    bytes += item.bytes
  }
  queue.splice(0, taken)
  return batch
}
