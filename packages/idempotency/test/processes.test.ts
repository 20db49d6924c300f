import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { scheduler } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ownPrefix, sharedClusterNodes, sharedRedisUrl } from '@holdfast/test/redis'
import { afterEach, describe, expect, it } from '@jest/globals'
import { post } from './idempotent.ts'
import type { Answer, Told } from './programs/payments.ts'

const program = fileURLToPath(new URL('./programs/payments.ts', import.meta.url))
const STARTING_MS = 120_000

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

interface Member {
  readonly port: number
  /** What it has told next, of a kind. */
  heard<Kind extends Told['kind']>(kind: Kind): Promise<Extract<Told, { kind: Kind }>>
  /** Everything that it has told. */
  readonly told: readonly Told[]
  answer(answer: Answer): void
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
}

function ownRedis(): { host: string; port: number }[] {
  const { hostname, port } = new URL(sharedRedisUrl())
  return [{ host: hostname, port: Number(port) }]
}

async function members<Members extends string>(
  names: readonly Members[],
  nodes: readonly { host: string; port: number }[],
  env: Record<string, string> = {},
): Promise<Record<Members, Member>> {
  const all = { ...process.env, NODES: JSON.stringify(nodes), PREFIX: ownPrefix(), ...env }
  const started = names.map(async (name) => [name, await member(all)] as const)
  return Object.fromEntries(await Promise.all(started)) as Record<Members, Member> // by the names that were given
}

async function member(env: NodeJS.ProcessEnv): Promise<Member> {
  const child = fork(program, { env, execArgv: ['--conditions=@holdfast/source', '--import', 'tsx'] })
  running.push(child)
  const told: Told[] = []
  let seen = 0
  child.on('message', (message: Told) => told.push(message))

  async function heard<Kind extends Told['kind']>(kind: Kind): Promise<Extract<Told, { kind: Kind }>> {
    for (;;) {
      const next = told[seen]
      if (next === undefined) await once(child, 'message')
      else seen += 1
      if (next?.kind === kind) return next as Extract<Told, { kind: Kind }>
    }
  }

  const { port } = await heard('ready')
  return { port, told, heard, answer: (answer) => void child.send(answer), kill: (signal) => void child.kill(signal) }
}

describe.each([
  ['Redis', async () => ownRedis()],
  ['Cluster', sharedClusterNodes],
])('three processes on %s', (_where, nodesOf) => {
  it(
    'run a request once that comes to all of them at once',
    async () => {
      const all = Object.values<Member>(await members(['a', 'b', 'c'], await nodesOf(), { WORK_MS: '1000', LEASE_MS: '10000' }))
      const responses = await Promise.all([...all, ...all].map(({ port }) => post(port)))
      expect(responses.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409, 409, 409, 409])
      const [ran] = responses.filter(({ status }) => status === 201)
      for (const { port } of all) expect(await post(port)).toMatchObject({ status: 201, body: ran?.body })
      expect(all.flatMap(({ told }) => told.filter(({ kind }) => kind === 'began'))).toHaveLength(1)
    },
    STARTING_MS,
  )

  it(
    'give the same bytes to all who wait',
    async () => {
      const env = { WORK_MS: '500', LEASE_MS: '10000', IN_PROGRESS: 'wait' }
      const all = Object.values<Member>(await members(['a', 'b', 'c'], await nodesOf(), env))
      const responses = await Promise.all([...all, ...all].map(({ port }) => post(port)))
      expect(new Set(responses.map(({ status, body }) => `${status} ${body}`)).size).toBe(1)
      expect(all.flatMap(({ told }) => told.filter(({ kind }) => kind === 'began'))).toHaveLength(1)
    },
    STARTING_MS,
  )
})

// In real time: leases go by it. Some seconds each.
describe('a process that works on a request', () => {
  it(
    'and is killed lets another run it when its lease is over, and not before',
    async () => {
      const { one, other } = await members(['one', 'other'], ownRedis())
      const lost = post(one.port).catch((error: unknown) => error)
      const first = await one.heard('began')
      one.kill('SIGKILL')
      expect(await lost).toMatchObject({ message: expect.stringMatching(/connection ended|ECONNRESET/) })
      await scheduler.wait(500)
      expect(await post(other.port)).toMatchObject({ status: 409, headers: { 'retry-after': '1' } })
      await scheduler.wait(1_100)
      const retried = post(other.port)
      const second = await other.heard('began')
      expect([first.attempt, second.attempt]).toEqual([1, 2])
      expect(second.fence).toBeGreaterThan(first.fence)
      other.answer('second')
      expect(await retried).toMatchObject({ status: 201, body: '{"answer":"second","attempt":2}' })
    },
    STARTING_MS,
  )

  it(
    'and is killed lets one that waits take over',
    async () => {
      const { one, other } = await members(['one', 'other'], ownRedis(), { IN_PROGRESS: 'wait' })
      const lost = post(one.port).catch((error: unknown) => error)
      await one.heard('began')
      const waiting = post(other.port)
      one.kill('SIGKILL')
      expect(await lost).toMatchObject({ message: expect.stringMatching(/connection ended|ECONNRESET/) })
      expect(await other.heard('began')).toMatchObject({ attempt: 2 })
      other.answer('second')
      expect(await waiting).toMatchObject({ status: 201, body: '{"answer":"second","attempt":2}' })
    },
    STARTING_MS,
  )

  it(
    'for five times its lease runs it once',
    async () => {
      const { one, other } = await members(['one', 'other'], ownRedis(), { WORK_MS: '5000' })
      const running = post(one.port)
      await one.heard('began')
      let retried = await post(other.port)
      let refusals = 0
      for (; retried.status === 409; retried = await post(other.port)) {
        refusals += 1
        await scheduler.wait(250)
      }
      expect(refusals).toBeGreaterThan(8)
      expect(retried).toMatchObject({ status: 201, headers: { 'idempotent-replayed': 'true' } })
      expect(await running).toMatchObject({ status: 201, body: retried.body })
      expect(other.told.map(({ kind }) => kind)).toEqual(['ready'])
    },
    STARTING_MS,
  )

  it(
    'and is stopped for longer than its lease cannot overwrite what came meanwhile: its client gets that as well',
    async () => {
      const { one, other } = await members(['one', 'other'], ownRedis())
      const stopped = post(one.port)
      await one.heard('began')
      one.kill('SIGSTOP')
      const since = performance.now()
      const began = other.heard('began')
      let retried = post(other.port)
      while (!(await Promise.race([began.then(() => true), retried.then(() => false)]))) {
        await scheduler.wait(100)
        retried = post(other.port)
      }
      other.answer('second')
      expect(await retried).toMatchObject({ status: 201, body: '{"answer":"second","attempt":2}' })
      await scheduler.wait(3_000 - (performance.now() - since))
      one.kill('SIGCONT')
      expect(await one.heard('aborted')).toEqual({ kind: 'aborted', code: 'ERR_HOLDFAST_RUN_LOST' })
      one.answer('first')
      const standing = { status: 201, body: '{"answer":"second","attempt":2}', headers: { 'idempotent-replayed': 'true' } }
      expect(await stopped).toMatchObject(standing)
      expect(await post(one.port)).toMatchObject(standing)
      expect(await post(other.port)).toMatchObject(standing)
    },
    STARTING_MS,
  )
})
