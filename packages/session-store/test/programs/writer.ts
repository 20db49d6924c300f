import { redisAdapter } from '@holdfast/adapter/redis'
import { sessionStore } from '@holdfast/session-store/express'
import type { SessionData } from 'express-session'

/** Writes fields of one session, several at a time, when it is told to begin. */
const { REDIS_URL = '', PREFIX = '', WRITER = '', FIELDS = '0' } = process.env
const adapter = redisAdapter({ url: REDIS_URL, prefix: PREFIX, timeoutMs: 10_000 })
const store = sessionStore({ adapter })
await store.length()

process.once('message', () => {
  void writeAll().then(() => adapter.close())
})
process.send?.('ready')

async function writeAll(): Promise<void> {
  for (let done = 0; done < Number(FIELDS); done += 5) {
    await Promise.all(Array.from({ length: 5 }, (_, at) => write(`${WRITER}-${done + at}`)))
  }
  process.disconnect()
}

async function write(field: string): Promise<void> {
  const session: SessionData | undefined = await store.get('id')
  if (session !== undefined) await store.set('id', Object.assign(session, { [field]: true }))
}
