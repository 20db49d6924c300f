import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'

export interface Charge {
  readonly order: string
  readonly amount: number
  readonly fence: number
}

/** A bank that takes its time, and takes whatever it is told: charging twice is the caller's mistake. */
export async function startBank(slowMs: number) {
  const charges: Charge[] = []
  let heard: () => void = () => {}

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const order = new URL(req.url ?? '/', 'http://bank').searchParams.get('order')
    if (req.method === 'POST') {
      charges.push((await json(req)) as Charge)
      heard()
      await wait(slowMs)
    }
    const found = charges.filter((charge) => order === null || charge.order === order)
    res.setHeader('Content-Type', 'application/json').end(JSON.stringify(found))
  }

  const server = createServer((req, res) => void answer(req, res).catch(() => res.destroy())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    charges,
    /** Resolves with the next charge, before it is answered. */
    nextCharge: () =>
      new Promise<void>((resolve) => {
        heard = resolve
      }),
    close: () => server.close(),
  }
}
