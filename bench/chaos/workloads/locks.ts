import { SLOTS } from '../app/setup.ts'
import { createHolders } from '../holders.ts'
import type { Answer, World } from '../world.ts'
import type { Workload } from './workload.ts'

const BOUND_MS = 3_500
const KEYS = ['a', 'b']
/** A lock by a call and by a middleware, a semaphore, and a limit of what is done at once. */
const WAYS = ['lock', 'serial', 'pair', 'slot']

/** Nobody works on what another holds, and what nobody holds is free. */
export function createHeld({ ask, history, members, random, listen }: World): Workload {
  const holders = createHolders(history)
  listen(holders.hear)

  function take(way: string, key: string): Promise<Answer> {
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
      await take(random.oneOf(WAYS), random.oneOf(KEYS))
    },

    async rest() {
      holders.check()
      const subjects = WAYS.flatMap((way) => KEYS.map((key) => ({ way, key })))
      for (const { way, key } of subjects) {
        const answers = await Promise.all(Array.from({ length: way === 'slot' ? SLOTS : 1 }, () => take(way, key)))
        for (const { status, fields, span } of answers) {
          if (status === 200 && (way !== 'slot' || fields['source'] === 'adapter') && span.to - span.from < 1_000) continue
          const ms = (span.to - span.from).toFixed(0)
          const detail = `${way} ${key}: ${status} after ${ms} ms, ${JSON.stringify(fields)}`
          history.breach('what nobody holds is free', detail, () => history.isDisturbed(span))
        }
      }
    },
  }
}
