import type { Adapter } from '@holdfast/adapter'
import { rateLimit } from '@holdfast/rate-limit/express'
import express, { type Express } from 'express'
import { accounts } from './accounts.ts'

/** A small API, ten requests a minute for each client, and accounts with sessions. */
export function createApp(adapter: Adapter, secret: string): Express {
  const app = express()

  app.get('/', (_req, res) => {
    res.type('text').send('Try /api, /api/time, and accounts: /login, /cart, /transfer, /logout, /logout-everywhere\n')
  })

  app.use('/api', rateLimit({ adapter, limit: 10, windowMs: 60_000 }))
  app.get('/api', (_req, res) => {
    res.json({ hello: 'world' })
  })
  app.get('/api/time', (_req, res) => {
    res.json({ time: new Date().toISOString() })
  })

  app.use(accounts(adapter, secret))
  return app
}
