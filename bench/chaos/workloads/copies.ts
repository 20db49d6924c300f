import type { World } from '../world.ts'
import type { Workload } from './workload.ts'

const BOUND_MS = 3_500
const IDS = ['1', '2', '3']

/** Nobody who asks after a purge gets what was made before, of pages and of values. */
export function createCopies({ ask, history, members, origin, random }: World): Workload {
  /** The least version of each that may still be served. */
  const least = new Map<string, number>()

  async function get(kind: string, id: string): Promise<void> {
    const member = random.oneOf(members)
    const name = `${kind}-${id}`
    const floor = least.get(name) ?? 0
    const question = { workload: 'copies', member, path: `/${kind}/${name}`, withoutRedis: true, boundMs: BOUND_MS }
    const { status, fields, headers, span } = await ask(question)
    if (status !== 200 || Number(fields['version']) >= floor) return
    // While Redis is away, those who ask a process for a value share a load of its own, which began before.
    const isShared = kind === 'value' && Number(fields['ended']) >= span.from && history.isDisturbed(span)
    if (isShared) return
    const how = headers.get('cache-status') ?? ''
    history.breach(
      'nothing is served that was purged',
      `${name} at process ${member.index}, least ${floor}: ${JSON.stringify(fields)} ${how}`,
    )
  }

  async function purge(kind: string, id: string): Promise<void> {
    const name = `${kind}-${id}`
    const version = origin.change(name)
    const member = random.oneOf(members)
    const { status } = await ask({
      workload: 'copies',
      member,
      path: `/purge/${kind}/${name}`,
      method: 'POST',
      boundMs: BOUND_MS,
    })
    if (status === 200) least.set(name, Math.max(version, least.get(name) ?? 0))
  }

  return {
    name: 'copies',
    clients: 6,

    async visit() {
      const act = random.chance(0.15) ? purge : get
      await act(random.oneOf(['page', 'value']), random.oneOf(IDS))
    },

    async rest() {
      for (const kind of ['page', 'value']) {
        for (const id of IDS) {
          await purge(kind, id)
          await get(kind, id)
        }
      }
    },
  }
}
