import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ownPrefix, type RedisServer, sharedClusterNodes, sharedRedisUrl, startRedisServer } from '@holdfast/test/redis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Job, Outcome } from './programs/consumer.ts'

const program = fileURLToPath(new URL('./programs/consumer.ts', import.meta.url))
const algorithms = ['sliding-window-log', 'sliding-window-counter', 'fixed-window', 'token-bucket', 'concurrency']
const SKEWS = [0, 10_000, -10_000, 5_000]
const STARTING_MS = 60_000

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

interface Place {
  readonly nodes: readonly { host: string; port: number }[]
  readonly failure?: string
}

/** Four processes on one Redis, whose clocks differ by up to 20 s. */
async function fourProcesses({ nodes, failure = 'local' }: Place) {
  const shared = { ...process.env, NODES: JSON.stringify(nodes), PREFIX: ownPrefix(), FAILURE: failure }
  const children = SKEWS.map((skewMs) =>
    fork(program, {
      env: { ...shared, SKEW_MS: String(skewMs) },
      execArgv: ['--conditions=@holdfast/source', '--import', 'tsx'],
    }),
  )
  running.push(...children)
  await Promise.all(children.map((child) => once(child, 'message')))

  /** What comes of a job that all of them do at once. */
  return async function outcomes(job: Job): Promise<Outcome[]> {
    const answers = children.map((child) => once(child, 'message'))
    for (const child of children) child.send(job)
    return (await Promise.all(answers)).map(([answer]) => answer)
  }
}

function allowedBy(source: string, outcomes: readonly Outcome[]): number {
  return outcomes.reduce((total, { allowed }) => total + (allowed[source] ?? 0), 0)
}

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

describe('four processes with clocks 10 s apart, 100 calls each, limit 50', () => {
  it.each([
    ['Redis', async () => [addressOf(sharedRedisUrl())]],
    ['Cluster', sharedClusterNodes],
  ])(
    'are allowed exactly 50, by every algorithm, on %s',
    async (_where, nodesOf) => {
      const outcomes = await fourProcesses({ nodes: await nodesOf() })
      for (const algorithm of algorithms) {
        const all = await outcomes({ algorithm, key: 'client', calls: 100 })
        expect([algorithm, allowedBy('adapter', all), allowedBy('local', all)]).toEqual([algorithm, 50, 0])
      }
    },
    STARTING_MS,
  )
})

// In real time, by which deadlines go: some 3 s each.
describe('an outage in between', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.stop())

  it.each([
    ['closed', 0],
    ['local', 200], // 50 by each process alone
  ])(
    'allows no more than the policy %s says',
    async (failure, most) => {
      const outcomes = await fourProcesses({ nodes: [addressOf(server.url)], failure })
      for (const algorithm of algorithms) {
        const few = { algorithm, key: failure, calls: 10 }
        const many = { ...few, calls: 100 }
        let total = allowedBy('adapter', await outcomes(few))
        expect([algorithm, total]).toEqual([algorithm, 40])

        server.freeze()
        const meanwhile = await outcomes(many)
        server.thaw()
        expect([algorithm, allowedBy('adapter', meanwhile), allowedBy('local', meanwhile)]).toEqual([algorithm, 0, most])

        let first = await outcomes({ ...few, calls: 1 })
        total += allowedBy('adapter', first)
        while (first.some(({ decided }) => decided['adapter'] !== 1)) {
          first = await outcomes({ ...few, calls: 1 })
          total += allowedBy('adapter', first)
        }
        total += allowedBy('adapter', await outcomes(many))
        expect(total).toBeLessThanOrEqual(50) // what Redis charged when nobody waited for it any more is not allowed twice
      }
    },
    STARTING_MS,
  )
})
