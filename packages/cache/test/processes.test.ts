import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ownPrefix, sharedClusterNodes, sharedRedisUrl } from '@holdfast/test/redis'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import type { Job } from './programs/member.ts'

const program = fileURLToPath(new URL('./programs/member.ts', import.meta.url))
const STARTING_MS = 120_000

const redis = new Redis(sharedRedisUrl())
afterAll(() => redis.quit())

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

function ownRedis(): { host: string; port: number }[] {
  const { hostname, port } = new URL(sharedRedisUrl())
  return [{ host: hostname, port: Number(port) }]
}

async function processes(count: number, nodes: readonly { host: string; port: number }[], env: Record<string, string> = {}) {
  const prefix = ownPrefix()
  const children = Array.from({ length: count }, () =>
    fork(program, {
      env: { ...process.env, NODES: JSON.stringify(nodes), PREFIX: prefix, ...env },
      execArgv: ['--conditions=@holdfast/source', '--import', 'tsx'],
    }),
  )
  running.push(...children)
  await Promise.all(children.map((child) => once(child, 'message')))
  return { prefix, children }
}

/** What a process answers next to a job. */
async function answer(child: ChildProcess | undefined, job: Job): Promise<unknown> {
  if (child === undefined) throw new Error('There is no such process')
  const answered = once(child, 'message')
  child.send(job)
  const [result] = await answered
  return result
}

it(
  'loads once for four processes with 25 callers each',
  async () => {
    const { prefix, children } = await processes(4, ownRedis())
    const answers = await Promise.all(
      children.map((child) => answer(child, { kind: 'callers', key: '42', count: 25, members: 4 })),
    )
    expect(answers.flat()).toHaveLength(100)
    expect(new Set(answers.flat()).size).toBe(1)
    expect(await redis.get(`${prefix}loads:42`)).toBe('1')
  },
  STARTING_MS,
)

describe.each([
  ['Redis', '', async () => ownRedis()],
  ['Redis, with strict copies near by', 'strict', async () => ownRedis()],
  ['Cluster', '', sharedClusterNodes],
])('four processes on %s that read, purge and delete', (_where, NEAR, nodesOf) => {
  it(
    'never get what was loaded before a purge, and load one at a time',
    async () => {
      const { children } = await processes(4, await nodesOf(), { NEAR })
      const wrong = await Promise.all(children.map((child) => answer(child, { kind: 'race', rounds: 150 })))
      expect(wrong.flat()).toEqual([])
    },
    STARTING_MS,
  )
})

// In real time: leases go by it. Some two seconds each.
describe('a process that loads', () => {
  it(
    'and is killed costs one lease',
    async () => {
      const { children } = await processes(2, ownRedis(), { LEASE_MS: '1000' })
      const [leader, other] = children
      expect(await answer(leader, { kind: 'hang', key: '42', value: 'never' })).toBe('began')
      const since = performance.now()
      const loaded = answer(other, { kind: 'get', key: '42', value: 'loaded after' })
      leader?.kill('SIGKILL')
      expect(await loaded).toBe('loaded after')
      expect(performance.now() - since).toBeGreaterThan(500)
      expect(performance.now() - since).toBeLessThan(2_500)
    },
    STARTING_MS,
  )

  it(
    'and is stopped for longer than its lease cannot overwrite what came meanwhile',
    async () => {
      const { children } = await processes(3, ownRedis(), { LEASE_MS: '500' })
      const [leader, other, reader] = children
      expect(await answer(leader, { kind: 'hang', key: '42', value: 'loaded before' })).toBe('began')
      leader?.kill('SIGSTOP')
      expect(await answer(other, { kind: 'get', key: '42', value: 'loaded after' })).toBe('loaded after')
      leader?.kill('SIGCONT')
      const answers: unknown[] = []
      leader?.on('message', (each) => answers.push(each))
      leader?.send({ kind: 'finish' })
      while (answers.length < 2) if (leader) await once(leader, 'message')
      expect(answers).toContain('loaded before') // its own caller asked before
      expect(await answer(reader, { kind: 'get', key: '42', value: 'not needed' })).toBe('loaded after')
    },
    STARTING_MS,
  )
})
