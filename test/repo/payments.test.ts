import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from '@jest/globals'
import { killPrograms, startProgram } from '../src/program.ts'
import { request } from '../src/raw-http.ts'
import { sharedRedisUrl } from '../src/shared-redis.ts'

afterEach(killPrograms)

const STARTING_MS = 60_000

describe('examples/payments', () => {
  it('charges once in memory, and ends when it is asked to', async () => {
    const program = await startProgram('examples/payments/main.ts', { PORT: '0', REDIS_URL: undefined })
    const payment = {
      method: 'POST',
      path: '/payments',
      headers: { 'Idempotency-Key': '"8e03978e"', 'Content-Type': 'application/json' },
      body: '{"amount":5}',
    }
    const [first, replay] = [await request(program.port, payment), await request(program.port, payment)]
    expect(first).toMatchObject({ status: 201, body: '{"order":"nobody:8e03978e","attempt":1,"charged":"now"}' })
    expect(replay).toMatchObject({ status: 201, body: first.body, headers: { 'idempotent-replayed': 'true' } })
    expect((await request(program.port, { ...payment, headers: {} })).status).toBe(400)
    expect(await program.stop()).toBe(0)
    expect(program.stderr()).toBe('')
  })

  // In real time: a lease of two seconds.
  it(
    'shows that a payment is done once, whatever is sent again and whoever is killed',
    async () => {
      const demo = fileURLToPath(new URL('../../examples/payments/demo.ts', import.meta.url))
      const args = ['--conditions=@holdfast/source', '--import', 'tsx', demo]
      const env = { ...process.env, REDIS_URL: sharedRedisUrl() }
      const { stdout } = await promisify(execFile)(process.execPath, args, { env })
      const [five = '', again = '', killed = ''] = stdout.split('\n\n')
      expect(five.match(/ 201: /g)).toHaveLength(1)
      expect(five.match(/ 409, again in 2 s: /g)).toHaveLength(4)
      expect(five).toContain('charge 1 time')
      expect(again).toMatch(/ 201, replayed: .*"attempt":1.*\n +422: /)
      expect(killed).toMatch(/no response.*\n( +409, again in \d s: .*\n)+ +201: .*"attempt":2,"charged":"by an attempt before"/)
      expect(killed).toContain('charge 2 times for two payments')
    },
    STARTING_MS,
  )
})
