import { randomUUID } from 'node:crypto'
import { LIMIT, WINDOW_MS } from '../app/setup.ts'
import type { Answer, World } from '../world.ts'
import type { Workload } from './workload.ts'

const BOUND_MS = 1_500

/** How many units pass in the worst window, in units of the limit. */
const WORST = { 'sliding-window-log': 1, 'sliding-window-counter': 2, 'fixed-window': 2, 'token-bucket': 2 } as const
type Algorithm = keyof typeof WORST
const ALGORITHMS = Object.keys(WORST) as Algorithm[]

/** Never more than the limit of what Redis decides, nor of what a process decides alone. */
export function createLimits({ ask, history, members, random }: World): Workload {
  /** By algorithm and by who decides, in the order of their answers. */
  const admitted = new Map<string, Answer['span'][]>()

  function get(algorithm: Algorithm, key: string, member = random.oneOf(members)): Promise<Answer> {
    const path = `/limit/${algorithm}/${key}`
    return ask({ workload: 'limits', member, path, may: [429], withoutRedis: true, boundMs: BOUND_MS })
  }

  /** Requests that were all decided within one window, whenever exactly each was. */
  function check(algorithm: Algorithm, who: string, { span }: Answer): void {
    const spans = admitted.get(who) ?? []
    const inWindow = [...spans.filter(({ from }) => from > span.to - WINDOW_MS), span]
    admitted.set(who, inWindow)
    const most = LIMIT * WORST[algorithm]
    const from = Math.min(...inWindow.map((each) => each.from))
    if (inWindow.length <= most || history.isLost({ from, to: span.to })) return
    history.breach('never more than the limit', `${who}: ${inWindow.length} of ${most} within ${(span.to - from).toFixed(1)} ms`)
  }

  return {
    name: 'limits',
    clients: 6,

    async visit() {
      const algorithm = random.oneOf(ALGORITHMS)
      const member = random.oneOf(members)
      const { url } = member
      const answer = await get(algorithm, 'all', member)
      if (answer.status !== 200) return
      const { source } = answer.fields
      check(algorithm, `${algorithm} by ${source === 'adapter' ? 'Redis' : `process ${member.index} at ${url}`}`, answer)
    },

    async rest() {
      const key = randomUUID()
      const answers = await Promise.all(Array.from({ length: LIMIT + 4 }, () => get('sliding-window-log', key)))
      const span = {
        from: Math.min(...answers.map(({ span }) => span.from)),
        to: Math.max(...answers.map(({ span }) => span.to)),
      }
      const passed = answers.filter(({ status, fields }) => status === 200 && fields['source'] === 'adapter').length
      if (span.to - span.from < WINDOW_MS && passed !== LIMIT) {
        const got = answers.map(({ status, fields }) => `${status} ${JSON.stringify(fields['source'])}`).join(', ')
        history.breach('after a fault all is as before', `of ${LIMIT + 4} at once with a limit of ${LIMIT}: ${got}`, () =>
          history.isDisturbed(span),
        )
      }
    },
  }
}
