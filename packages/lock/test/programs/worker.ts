import { redisAdapter } from '@holdfast/adapter/redis'
import { createLocks, type Lock } from '@holdfast/lock'
import { Cluster, Redis } from 'ioredis'

/** What a process is asked to do. Each is answered by one message, `wait` by two. */
export type Job =
  | { readonly kind: 'count'; readonly workers: number }
  | { readonly kind: 'hold'; readonly leaseMs: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'report' }

export interface Answer {
  readonly state: 'done' | 'held' | 'in line'
  readonly fence?: number
  readonly lost?: boolean
  readonly extended?: boolean
  readonly released?: boolean
}

// One of several processes that want the same lock.
const { NODES = '[]', PREFIX: prefix = '' } = process.env
const nodes = JSON.parse(NODES) as { host: string; port: number }[]
const [first] = nodes
const client = nodes.length > 1 ? new Cluster(nodes) : new Redis({ ...first })
const adapter = redisAdapter({ client, prefix, timeoutMs: 5_000 })
const locks = createLocks({ adapter })
let held: Lock | undefined

/** Reads a counter, sleeps, and writes it. */
async function work(): Promise<void> {
  const read = Number(new TextDecoder().decode(await adapter.get('counter')))
  await new Promise((resolve) => setTimeout(resolve, 1))
  await adapter.set('counter', new TextEncoder().encode(String(read + 1)), 600_000)
}

function say(answer: Answer): void {
  process.send?.(answer)
}

async function answer(job: Job): Promise<void> {
  switch (job.kind) {
    case 'count':
      await Promise.all(Array.from({ length: job.workers }, () => locks.withLock('k', work)))
      return say({ state: 'done' })
    case 'hold':
      held = await locks.acquire('k', { leaseMs: job.leaseMs })
      return say({ state: 'held', fence: held.fence })
    case 'wait': {
      const waiting = locks.acquire('k')
      await locks.tryAcquire('k') // steps of one key keep their order: when this is answered, the other is in line
      say({ state: 'in line' })
      held = await waiting
      return say({ state: 'held', fence: held.fence })
    }
    case 'report': {
      const lost = held?.signal.aborted === true
      const extended = await held?.extend()
      const released = await held?.release()
      return say({ state: 'done', lost, extended: extended === true, released: released === true })
    }
  }
}

process.on('message', (job: Job) => void answer(job))
client.once('ready', () => say({ state: 'done' }))
