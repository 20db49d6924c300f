import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { GET, load } from './load.ts'

const program = fileURLToPath(new URL('./server.ts', import.meta.url))

export interface Cost {
  /** What the server's process spends on a request outside the kernel, in microseconds. */
  readonly cpuMicros: number
  readonly perSecond: number
}

interface Serving {
  readonly child: ChildProcess
  readonly port: number
}

/** What a request costs each app: the median over rounds in which they take turns, all on the machine as it is just then. */
export async function costs(
  names: readonly string[],
  {
    redisUrl = '',
    connections,
    total = 10_000,
    rounds = 9,
    nextRequest = () => GET,
  }: { redisUrl?: string; connections: number; total?: number; rounds?: number; nextRequest?: () => string },
): Promise<Map<string, Cost>> {
  const servers = new Map<string, Serving>()
  for (const name of names) {
    const child = fork(program, [name, redisUrl], { execArgv: ['--import', 'tsx'] })
    servers.set(name, { child, port: await numberFrom(child) })
  }
  const measured = new Map(names.map((name) => [name, [] as Cost[]]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, server] of servers) {
      const cost = await costOf(server, total, connections, nextRequest)
      if (round > 0) measured.get(name)?.push(cost) // the first warms up
    }
  }
  for (const { child } of servers.values()) child.disconnect()
  return new Map([...measured].map(([name, each]) => [name, medianOf(each)]))
}

async function costOf({ child, port }: Serving, total: number, connections: number, nextRequest: () => string): Promise<Cost> {
  const before = await spent(child)
  const started = performance.now()
  await load(port, total, connections, nextRequest)
  const seconds = (performance.now() - started) / 1_000
  return { cpuMicros: ((await spent(child)) - before) / total, perSecond: total / seconds }
}

function spent(child: ChildProcess): Promise<number> {
  child.send('spent')
  return numberFrom(child)
}

/** The next message of a process, a number. */
export function numberFrom(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => child.once('message', (message) => resolve(Number(message))))
}

function medianOf(all: readonly Cost[]): Cost {
  const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? 0
  return {
    cpuMicros: median(all.map(({ cpuMicros }) => cpuMicros)),
    perSecond: median(all.map(({ perSecond }) => perSecond)),
  }
}
