import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { redisAdapter } from '@holdfast/adapter/redis'
import { sessionStore } from '@holdfast/session-store/express'
import { ownPrefix, sharedRedisUrl } from '@holdfast/test/redis'
import { afterEach, expect, it } from '@jest/globals'

const program = fileURLToPath(new URL('./programs/writer.ts', import.meta.url))
const STARTING_MS = 120_000
const WRITERS = ['a', 'b', 'c', 'd']
const FIELDS = 50

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

it(
  `loses none of ${WRITERS.length * FIELDS} fields that ${WRITERS.length} processes write to one session at the same time`,
  async () => {
    const prefix = ownPrefix()
    const adapter = redisAdapter({ url: sharedRedisUrl(), prefix, timeoutMs: 10_000 })
    const store = sessionStore({ adapter })
    await store.set('id', { cookie: { originalMaxAge: null } })
    running.push(
      ...WRITERS.map((writer) =>
        fork(program, {
          env: { ...process.env, REDIS_URL: sharedRedisUrl(), PREFIX: prefix, WRITER: writer, FIELDS: String(FIELDS) },
          execArgv: ['--conditions=@holdfast/source', '--import', 'tsx'],
        }),
      ),
    )
    await Promise.all(running.map((child) => once(child, 'message')))
    const exits = Promise.all(running.map((child) => once(child, 'exit')))
    for (const child of running) child.send('begin')
    expect((await exits).map(([code]: unknown[]) => code)).toEqual(WRITERS.map(() => 0))
    expect(Object.keys((await store.get('id')) ?? {})).toHaveLength(1 + WRITERS.length * FIELDS)
    await adapter.close()
  },
  STARTING_MS,
)
