import type { Said } from './app/said.ts'
import type { Setup } from './app/setup.ts'
import { now, type Span } from './clock.ts'
import type { History } from './history.ts'
import { type Member, memberOf } from './members.ts'
import { startOrigin } from './origin.ts'
import type { Random } from './random.ts'
import { watchRedis, watchStalls } from './stalls.ts'
import { startTargets, type Targets } from './targets.ts'
import { createAsk, type World } from './world.ts'

/** What runs: Redis, the apps, and what they cache. */
export interface Stage {
  readonly world: World
  readonly targets: Targets
  stop(): Promise<void>
}

const APPS = [
  { framework: 'express', client: 'own' },
  { framework: 'express', client: 'ioredis' },
  { framework: 'koa', client: 'own' },
  { framework: 'koa', client: 'node-redis' },
] as const

/** How long processes that have just begun are slow: they compile. */
const WARM_MS = 6_000

export async function startStage({
  history,
  random,
  isCluster,
}: {
  history: History
  random: Random
  isCluster: boolean
}): Promise<Stage> {
  const targets = await startTargets(isCluster)
  const origin = await startOrigin()
  const heard: ((member: number, said: Said) => void)[] = []
  const counts: World['counts'] = new Map()
  const setups: Setup[] = APPS.map((app) => ({ ...app, ...targets.reached, originUrl: origin.url }))
  const members: Member[] = setups.map((setup, index) => memberOf(index, setup, (said) => hear(index, said)))

  function hear(index: number, said: Said | { type: 'ended'; why: string }): void {
    if (said.type === 'ended') return restart(index, said.why)
    if (said.type === 'warning' && !said.code.startsWith('HOLDFAST_')) {
      history.breach('nothing piles up', `process ${index} warns: ${said.code} ${said.message}`)
    }
    if (said.type === 'stalled' && !history.isHeldUp(index, said)) history.stalled(said)
    for (const each of heard) each(index, said)
  }

  function restart(index: number, why: string): void {
    history.breach('no process ends by itself', `process ${index}: ${why}`)
    const over = history.trouble('ended by itself', { member: index })
    void members[index]?.start().then(over)
  }

  const slow = (span: Span): void => {
    if (!history.isAway(span)) history.stalled(span)
  }
  const unwatch = [watchStalls(history.stalled), ...targets.all.map((target) => watchRedis(target, slow))]
  history.stalled({ from: history.began, to: now() + WARM_MS })
  await Promise.all(members.map(({ start }) => start()))
  const world: World = {
    history,
    members,
    origin,
    random,
    counts,
    ask: createAsk({ history, counts }),
    listen: (hears) => void heard.push(hears),
  }
  return {
    world,
    targets,
    async stop() {
      for (const end of unwatch) end()
      origin.close()
      await targets.stop()
    },
  }
}
