import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from './commands.ts'
import { insist } from './commands.ts'
import type { Random } from './random.ts'
import type { Target } from './targets.ts'

/** Something that goes wrong with a Redis, or with the way to it. */
export interface Fault {
  readonly what: string
  /** Redis loses what it kept. */
  readonly loses?: boolean
  /** Resolves when it is over. */
  inflict(target: Target, random: Random): Promise<void>
}

const least = 200
const briefly = (random: Random) => pause(random.whole(least, 1_000))
const long = (random: Random) => pause(random.whole(least, 3_500))

export const faults: readonly Fault[] = [
  {
    what: 'freeze',
    async inflict({ server }, random) {
      server.freeze()
      await long(random)
      server.thaw()
    },
  },
  {
    what: 'crash',
    async inflict({ server }, random) {
      await server.kill()
      await long(random)
      await server.start()
    },
  },
  {
    what: 'crash, data lost',
    loses: true,
    async inflict({ server, proxy }, random) {
      await proxy.refuse()
      await server.kill()
      await briefly(random)
      await server.start()
      await insist(server, 'FLUSHALL')
      await proxy.restore()
    },
  },
  { what: 'data lost', loses: true, inflict: ({ server }) => insist(server, 'FLUSHALL') },
  { what: 'lost replies', inflict: through((proxy) => proxy.cutReplies(), briefly) },
  { what: 'latency', inflict: through((proxy, random) => proxy.latency(random.oneOf([20, 80, 150, 300])), long) },
  { what: 'black hole', inflict: through((proxy) => proxy.blackhole(), long) },
  { what: 'refused', inflict: through((proxy) => proxy.refuse(), long) },
  { what: 'cut', inflict: again(20, ({ proxy }) => proxy.cut()) },
  {
    what: 'out of memory',
    async inflict({ server }, random) {
      await insist(server, 'CONFIG', 'SET', 'maxmemory', '1')
      await long(random)
      await insist(server, 'CONFIG', 'SET', 'maxmemory', '0')
    },
  },
  { what: 'SCRIPT FLUSH', inflict: again(20, ({ server }) => insist(server, 'SCRIPT', 'FLUSH')) },
  { what: 'CLIENT KILL', inflict: again(10, killClients) },
  { what: 'CLIENT PAUSE', inflict: paused('ALL') },
  { what: 'CLIENT PAUSE WRITE', inflict: paused('WRITE') },
  {
    what: 'busy',
    inflict: ({ server }, random) => insist(server, 'EVAL', BUSY, '0', String(random.whole(least, 2_000))),
  },
]

const BUSY = `
  local function now() local time = redis.call('TIME') return time[1] * 1000 + time[2] / 1000 end
  local till = now() + tonumber(ARGV[1])
  while now() < till do end
`

/** The network is changed for a while. */
function through(change: (proxy: Target['proxy'], random: Random) => unknown, wait: typeof briefly): Fault['inflict'] {
  return async ({ proxy }, random) => {
    await change(proxy, random)
    await wait(random)
    await proxy.restore()
  }
}

/** The same up to `most` times, soon after one another. */
function again(most: number, act: (target: Target) => unknown): Fault['inflict'] {
  return async (target, random) => {
    for (let left = random.whole(1, most); left > 0; left -= 1) {
      await act(target)
      await pause(random.whole(0, 100))
    }
  }
}

async function killClients({ server }: Target): Promise<void> {
  for (const type of ['normal', 'pubsub']) await insist(server, 'CLIENT', 'KILL', 'TYPE', type)
}

function paused(what: 'ALL' | 'WRITE'): Fault['inflict'] {
  return async ({ server }, random) => {
    const ms = random.whole(least, 2_000)
    const command: Command = ['CLIENT', 'PAUSE', String(ms), what]
    await insist(server, ...command)
    await pause(ms)
  }
}
