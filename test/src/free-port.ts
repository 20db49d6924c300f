import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** How far above its port a node of a Cluster listens for the others. */
const BUS_OFFSET = 10_000

/** Workers of Jest take theirs from ranges of their own: a server that is down for a while gets its port again. */
const LOWEST = 10_000
const RANGES = 4
const RANGE = BUS_OFFSET / RANGES

/**
 * A port that nobody listens on, nor on the bus port of a Cluster beside it.
 * Both are below those that systems give to outgoing connections, so that it stays free until it is used.
 */
export async function freePort(): Promise<number> {
  const lowest = LOWEST + RANGE * (Number(process.env['JEST_WORKER_ID'] ?? 0) % RANGES)
  for (;;) {
    const port = randomInt(lowest, lowest + RANGE)
    if ((await isFree(port)) && (await isFree(port + BUS_OFFSET))) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}
