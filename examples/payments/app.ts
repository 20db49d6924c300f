import type { Adapter } from '@holdfast/adapter'
import { getIdempotency, idempotency } from '@holdfast/idempotency/express'
import express, { type Express, type Request, type Response } from 'express'

const LEASE_MS = 2_000 // what a killed server costs

/** An API that charges a card at a bank, once for each `Idempotency-Key`. */
export function createApp(adapter: Adapter, bankUrl: string): Express {
  const once = idempotency({ adapter, required: true, scope: userOf, leaseMs: LEASE_MS })

  async function pay(req: Request, res: Response): Promise<void> {
    const { key, attempt, fence, signal } = getIdempotency(req)
    const order = `${userOf(req)}:${key}`
    if (attempt > 1 && (await isCharged(order))) {
      res.status(201).json({ order, attempt, charged: 'by an attempt before' })
      return
    }
    const body = JSON.stringify({ order, amount: Number(Reflect.get(Object(req.body), 'amount')), fence })
    await fetch(`${bankUrl}/charges`, { method: 'POST', body, signal })
    res.status(201).json({ order, attempt, charged: 'now' })
  }

  async function isCharged(order: string): Promise<boolean> {
    const response = await fetch(`${bankUrl}/charges?order=${encodeURIComponent(order)}`)
    const charges: unknown = await response.json()
    return Array.isArray(charges) && charges.length > 0
  }

  const app = express()
  app.post('/payments', express.json(), once, (req, res, next) => {
    pay(req, res).catch(next)
  })
  return app
}

/** In an app of your own: the user whom the request was authenticated for. */
function userOf(req: Request): string {
  return req.header('x-user') ?? 'nobody'
}
