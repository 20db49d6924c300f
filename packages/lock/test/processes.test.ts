import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { redisAdapter } from '@holdfast/adapter/redis'
import { createLocks } from '@holdfast/lock'
import { ownPrefix, sharedClusterNodes, sharedRedisUrl } from '@holdfast/test/redis'
import { afterEach, describe, expect, it } from '@jest/globals'
import { Cluster, Redis } from 'ioredis'
import type { Answer, Job } from './programs/worker.ts'

const program = fileURLToPath(new URL('./programs/worker.ts', import.meta.url))
const STARTING_MS = 60_000

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Worker {
  readonly child: ChildProcess
  ask(job: Job): Promise<Answer>
  next(): Promise<Answer>
}

async function started(nodes: readonly { host: string; port: number }[], prefix: string): Promise<Worker> {
  const child = fork(program, {
    env: { ...process.env, NODES: JSON.stringify(nodes), PREFIX: prefix },
    execArgv: ['--conditions=@holdfast/source', '--import', 'tsx'],
  })
  ends.push(() => child.kill('SIGKILL'))
  const next = async (): Promise<Answer> => (await once(child, 'message'))[0]
  await next()
  return {
    child,
    next,
    ask(job) {
      const answer = next()
      child.send(job)
      return answer
    },
  }
}

// In real time: processes start, and leases end.
describe.each([
  ['Redis', async () => [addressOf(sharedRedisUrl())]],
  ['Cluster', sharedClusterNodes],
])('on %s', (_where, nodesOf) => {
  async function stage(count: number) {
    const nodes = await nodesOf()
    const prefix = ownPrefix()
    const client = nodes.length > 1 ? new Cluster(nodes) : new Redis({ ...nodes[0] })
    await once(client, 'ready')
    const adapter = redisAdapter({ client, prefix, timeoutMs: 5_000 })
    ends.push(async () => {
      await adapter.close()
      client.disconnect()
    })
    const workers = await Promise.all(Array.from({ length: count }, () => started(nodes, prefix)))
    /** Until all who wait have said where they can be told of their turn. */
    async function heard(waiters: number): Promise<void> {
      for (;;) {
        const line = await client.hget(`${prefix}lock:default:{k}`, 'line')
        if ((line ?? '').split(' inbox:').length > waiters) return
      }
    }
    return { adapter, locks: createLocks({ adapter }), workers, heard }
  }

  it(
    'lets one of four processes work at a time: 100 workers count to 100',
    async () => {
      const { adapter, workers } = await stage(4)
      await Promise.all(workers.map((worker) => worker.ask({ kind: 'count', workers: 25 })))
      expect(new TextDecoder().decode(await adapter.get('counter'))).toBe('100')
    },
    STARTING_MS,
  )

  it(
    'skips who was killed at the head of the line, and wakes the next',
    async () => {
      const { locks, workers, heard } = await stage(2)
      const [ann, bob] = workers as [Worker, Worker]
      const first = await locks.acquire('k')
      expect(await ann.ask({ kind: 'wait' })).toMatchObject({ state: 'in line' })
      expect(await bob.ask({ kind: 'wait' })).toMatchObject({ state: 'in line' })
      await heard(2)
      const turn = bob.next()
      ann.child.kill('SIGKILL')
      await once(ann.child, 'exit')
      const releasedAt = performance.now()
      expect(await first.release()).toBe(true)
      expect((await turn).fence).toBeGreaterThan(first.fence)
      expect(performance.now() - releasedAt).toBeLessThan(10_000) // the second that she had, a look of his own, and what a busy machine takes
    },
    STARTING_MS,
  )

  it(
    'frees within a lease what a killed process held',
    async () => {
      const { locks, workers } = await stage(1)
      const [ann] = workers as [Worker]
      const { fence = 0 } = await ann.ask({ kind: 'hold', leaseMs: 1_500 })
      const waiting = locks.acquire('k')
      ann.child.kill('SIGKILL')
      const killedAt = performance.now()
      expect((await waiting).fence).toBeGreaterThan(fence)
      expect(performance.now() - killedAt).toBeLessThan(6_000) // the lease, and a look
    },
    STARTING_MS,
  )

  it(
    'tells a process that was stopped for longer than its lease: it can neither extend nor release',
    async () => {
      const { locks, workers } = await stage(1)
      const [ann] = workers as [Worker]
      const { fence = 0 } = await ann.ask({ kind: 'hold', leaseMs: 900 })
      expect(await locks.tryAcquire('k')).toBeUndefined()
      ann.child.kill('SIGSTOP')
      const next = await locks.acquire('k')
      expect(next.fence).toBeGreaterThan(fence)
      ann.child.kill('SIGCONT')
      expect(await ann.ask({ kind: 'report' })).toEqual({ state: 'done', lost: true, extended: false, released: false })
      expect(next.isHeld()).toBe(true)
      expect(await next.release()).toBe(true)
    },
    STARTING_MS,
  )
})

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
