/** What this process holds of concurrency policies, and renews while it lives. */
export interface Slots {
  /** @returns A function that ends the renewals, once the one that is under way has ended */
  hold(renew: () => Promise<unknown>): () => Promise<void>
}

interface Slot {
  readonly renew: () => Promise<unknown>
  readonly since: number
  renewing: Promise<unknown> | undefined
}

/**
 * One timer for all slots, every third of a lease, while there are any: what is given back soon is never renewed. It does not keep the
 * process alive.
 */
export function createSlots(leaseMs: number): Slots {
  const held = new Set<Slot>()
  const everyMs = Math.min(LONGEST_TIMER, Math.max(1, Math.floor(leaseMs / 3)))
  let timer: NodeJS.Timeout | undefined

  function renewAll(): void {
    const now = performance.now()
    for (const slot of held) {
      if (now - slot.since < everyMs / 2) continue
      slot.renewing = slot.renew()
    }
  }

  return {
    hold(renew) {
      const slot: Slot = { renew, since: performance.now(), renewing: undefined }
      held.add(slot)
      timer ??= setInterval(renewAll, everyMs).unref()
      return async () => {
        held.delete(slot)
        if (held.size === 0) {
          clearInterval(timer)
          timer = undefined
        }
        await slot.renewing
      }
    },
  }
}

const LONGEST_TIMER = 2 ** 31 - 1
