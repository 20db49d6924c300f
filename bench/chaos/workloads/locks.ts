import { PAIR, SLOTS } from '../app/setup.ts'
import { now } from '../clock.ts'
import { createHolders } from '../holders.ts'
import type { Answer, World } from '../world.ts'
import type { Workload } from './workload.ts'

const BOUND_MS = 3_500
const KEYS = ['a', 'b']
/** A lock by a call and by a middleware, a semaphore, and a limit of what is done at once. */
const WAYS = ['lock', 'serial', 'pair', 'slot'] as const
type Way = (typeof WAYS)[number]
/** How many ask at once: more than may. */
const AT_ONCE = { lock: 1, serial: 1, pair: 2, slot: SLOTS } as const
/** How many get it at once, when all is free. */
const FREE = { lock: 1, serial: 1, pair: PAIR, slot: SLOTS } as const
const SOON_MS = 1_000

function isSoon(way: Way, { status, fields, span }: Answer): boolean {
  return status === 200 && (way !== 'slot' || fields['source'] === 'adapter') && span.to - span.from < SOON_MS
}

/** Nobody works on what another holds, and what nobody holds is free. */
export function createHeld({ ask, history, members, random, listen }: World): Workload {
  const holders = createHolders(history)
  listen(holders.hear)

  function take(way: Way, key: string): Promise<Answer> {
    const member = random.oneOf(members)
    const withoutRedis = way === 'slot'
    return ask({
      workload: 'locks',
      member,
      path: `/${way}/${key}`,
      method: 'POST',
      may: [409, 429],
      withoutRedis,
      boundMs: BOUND_MS,
    })
  }

  return {
    name: 'locks',
    clients: 8,

    async visit() {
      const [way, key] = [random.oneOf(WAYS), random.oneOf(KEYS)]
      await Promise.all(Array.from({ length: AT_ONCE[way] }, () => take(way, key)))
    },

    async rest() {
      holders.check()
      for (const way of WAYS) {
        for (const key of KEYS) {
          const answers = await Promise.all(Array.from({ length: FREE[way] }, () => take(way, key)))
          const free = answers.filter((answer) => isSoon(way, answer))
          if (free.length === FREE[way]) continue
          const span = { from: Math.min(...answers.map(({ span }) => span.from)), to: now() }
          const shown = answers.map(
            ({ status, fields, span }) => `${status} in ${(span.to - span.from).toFixed(0)} ms ${JSON.stringify(fields)}`,
          )
          const detail = `${way} ${key}: ${shown.join(', ')}`
          history.breach('what nobody holds is free', detail, () => history.isDisturbed(span))
        }
      }
    },
  }
}
