import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createCensus } from './chaos/census.ts'
import { now } from './chaos/clock.ts'
import { createCrew } from './chaos/crew.ts'
import { createHistory } from './chaos/history.ts'
import { keysWithoutEnd } from './chaos/leftovers.ts'
import { randomBy } from './chaos/random.ts'
import { recovered } from './chaos/recovery.ts'
import { breachesOf, report } from './chaos/report.ts'
import { startStage } from './chaos/stage.ts'
import { createStorm } from './chaos/storm.ts'
import { createCopies } from './chaos/workloads/copies.ts'
import { createLimits } from './chaos/workloads/limits.ts'
import { createHeld } from './chaos/workloads/locks.ts'
import { createPayments } from './chaos/workloads/payments.ts'
import { createSessions } from './chaos/workloads/sessions.ts'

// Two Express and two Koa processes with everything on one Redis, which fails at random, as they do: what must always hold is checked.
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '90' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    cluster: { type: 'boolean', default: false },
  },
})
const MOST_FAULTS_A_ROUND = 3
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
const [seconds, seed] = [Number(values.seconds), Number(values.seed)]
const again = `npm run bench chaos -- --seed ${seed} --seconds ${seconds}${values.cluster ? ' --cluster' : ''}`
console.log(`${again}\n`)

const random = randomBy(seed)
const history = createHistory()
const { world, targets, stop } = await startStage({ history, random: randomBy(seed + 1), isCluster: values.cluster })
const workloads = [createLimits, createHeld, createPayments, createCopies, createSessions].map((create) => create(world))
const crew = createCrew(workloads)
const { members } = world
const blow = createStorm({ world, targets: targets.all, random })
const census = createCensus(world)
await recovered(world)
await census()

const end = now() + seconds * 1_000
while (now() < end) {
  crew.work()
  let calmAt = now()
  for (let left = random.whole(1, MOST_FAULTS_A_ROUND); left > 0; left -= 1) {
    calmAt = Math.max(calmAt, await blow())
    await recovered(world)
  }
  await crew.rest()
  await pause(Math.max(0, calmAt - now()))
  await census()
  history.note('all rest')
  for (const workload of workloads) await workload.rest()
}

for (const member of members) {
  const why = await member.end()
  if (why !== undefined) history.breach('processes end', `process ${member.index}: ${why}`)
}
for (const target of targets.all) {
  const keys = await keysWithoutEnd(target)
  if (keys.length > 0) history.breach('every key ends', `${target.name}: ${keys.join(', ')}`)
}
await stop()
console.log(report(world))
if (history.breaches.length > 0) {
  console.log(`\n${breachesOf(world)}\n\nAgain: ${again}`)
  process.exitCode = 1
}
