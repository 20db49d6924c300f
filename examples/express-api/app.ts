import type { Adapter } from '@holdfast/adapter'
import { rateLimit } from '@holdfast/rate-limit/express'
import express, { type Express } from 'express'

/** A small API: ten requests a minute for each client. */
export function createApp(adapter: Adapter): Express {
  const app = express()

  app.get('/', (_req, res) => {
    res.type('text').send('Try /api and /api/time\n')
  })

  app.use('/api', rateLimit({ adapter, limit: 10, windowMs: 60_000 }))
  app.get('/api', (_req, res) => {
    res.json({ hello: 'world' })
  })
  app.get('/api/time', (_req, res) => {
    res.json({ time: new Date().toISOString() })
  })

  return app
}
