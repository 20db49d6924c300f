import { once } from 'node:events'
import { redisAdapter } from '@holdfast/adapter/redis'
import { getIdempotency, idempotency } from '@holdfast/idempotency/express'
import express, { type Request, type Response } from 'express'
import { Cluster, Redis } from 'ioredis'

/** What a process tells: where it listens, and what becomes of its handlers. */
export type Told =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'began'; readonly attempt: number; readonly fence: number }
  | { readonly kind: 'aborted'; readonly code: unknown }

/** How a handler is told to answer. */
export type Answer = string

// One of several processes that serve the same API. Its handler answers when it is told to, or after some time.
const { NODES = '[]', PREFIX: prefix = '', LEASE_MS = '1000', WORK_MS, IN_PROGRESS = 'reject' } = process.env
const nodes = JSON.parse(NODES) as { host: string; port: number }[]
const client = nodes.length > 1 ? new Cluster(nodes) : new Redis({ ...nodes[0] })
const adapter = redisAdapter({ client, prefix, timeoutMs: 5_000 })
const told: ((answer: Answer) => void)[] = []

const app = express()
app.use(
  idempotency({ adapter, scope: 'public', leaseMs: Number(LEASE_MS), inProgress: IN_PROGRESS === 'wait' ? 'wait' : 'reject' }),
)
async function pay(req: Request, res: Response): Promise<void> {
  const { attempt, fence = 0, signal } = getIdempotency(req)
  signal.addEventListener('abort', () => tell({ kind: 'aborted', code: Reflect.get(Object(signal.reason), 'code') }))
  tell({ kind: 'began', attempt, fence })
  const answer = await new Promise<Answer>((resolve) => {
    told.push(resolve)
    if (WORK_MS !== undefined) setTimeout(() => resolve(`${process.pid}`), Number(WORK_MS))
  })
  res.status(201).json({ answer, attempt })
}

app.post('/payments', (req, res, next) => void pay(req, res).catch(next))

function tell(what: Told): void {
  process.send?.(what)
}

process.on('message', (answer: Answer) => {
  for (const resolve of told.splice(0)) resolve(answer)
})
process.on('disconnect', () => process.exit(0))
if (client.status !== 'ready') await once(client, 'ready')
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address()
  tell({ kind: 'ready', port: typeof address === 'object' ? (address?.port ?? 0) : 0 })
})
