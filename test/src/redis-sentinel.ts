import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { type RedisServer, type Server, serverOf, startRedisServer } from './redis-server.ts'
import { serverProcess } from './server-process.ts'

/** A Redis with replicas, watched by Sentinels. */
export interface RedisSentinel {
  /** What the Sentinels call it. */
  readonly name: string
  readonly sentinels: readonly Server[]
  /** The master first, as it was at the start. */
  readonly nodes: readonly RedisServer[]
  /** Whom the Sentinels agree on. */
  master(): Promise<RedisServer>
  /** Kills or freezes the master. Resolves with the new one, when all Sentinels agree on it and the others follow it. */
  failover(how?: 'kill' | 'freeze'): Promise<RedisServer>
  /** Has a replica take over while the master is well, and leaves that up as its replica, which refuses writes. */
  demote(): Promise<RedisServer>
  /** Starts a node that was killed, or thaws one that was frozen, as a replica of the master. Resolves when it follows. */
  rejoin(node: RedisServer): Promise<void>
  /** Resolves when all Sentinels agree on a master that is alive, and all others that are alive follow it. */
  settled(): Promise<void>
  /** Ends all for good. */
  stop(): Promise<void>
}

export interface SentinelOptions {
  /** Defaults to 1. */
  readonly replicas?: number
  /** Defaults to 3. */
  readonly sentinels?: number
  /**
   * After how long without an answer a master counts as lost, if nobody orders a failover. Defaults to 2,000.
   * Below 1,000 Sentinels take a master that has just taken over for lost: they connect to it once a second.
   */
  readonly downAfterMs?: number
}

const NAME = 'holdfast'
const FAILOVER_MS = 5_000

export async function startSentinel(options: SentinelOptions = {}): Promise<RedisSentinel> {
  const { replicas = 1, sentinels: sentinelCount = 3, downAfterMs = 2_000 } = options
  const nodes: RedisServer[] = []
  const sentinels: Server[] = []
  const watched = watchedBy(sentinels, nodes)
  try {
    const master = await startRedisServer(...EAGER)
    nodes.push(master)
    const follow = ['--replicaof', `${master.host} ${master.port}`]
    for (let index = 0; index < replicas; index++) nodes.push(await startRedisServer(...EAGER, ...follow))
    for (let index = 0; index < sentinelCount; index++) sentinels.push(await startOneSentinel(master, sentinelCount, downAfterMs))
    await watched.settled()
  } catch (error) {
    await watched.stop()
    throw error
  }
  return watched
}

const EAGER = ['--repl-diskless-sync-delay', '0']

async function startOneSentinel({ host, port: masterPort }: RedisServer, count: number, downAfterMs: number): Promise<Server> {
  const port = await freePort()
  const process = serverProcess()
  // A Sentinel writes down there what it has found out.
  const file = join(process.folder, 'sentinel.conf')
  const settings = [
    `port ${port}`,
    `bind ${host}`,
    `dir ${process.folder}`,
    `sentinel monitor ${NAME} ${host} ${masterPort} ${Math.floor(count / 2) + 1}`,
    `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${NAME} ${FAILOVER_MS}`,
  ]
  writeFileSync(file, `${settings.join('\n')}\n`)
  const sentinel = serverOf(process, port, () => process.start([file, '--sentinel'], /Sentinel ID is/i))
  await sentinel.start()
  return sentinel
}

function watchedBy(sentinels: readonly Server[], nodes: readonly RedisServer[]): RedisSentinel {
  const live = <S extends Server>(servers: readonly S[]) => servers.filter(({ isLive }) => isLive)

  /** Whom all Sentinels know as master, if it is alive and knows it too. */
  async function agreed(): Promise<RedisServer | undefined> {
    const seen = await Promise.all(live(sentinels).map(masterSeenBy))
    const master = nodes.find(({ port }) => port === seen[0]?.port)
    const isKnown = seen.every(
      ({ port, flags, slaves, others }) =>
        port === master?.port && flags === 'master' && slaves === nodes.length - 1 && others === sentinels.length - 1,
    )
    return isKnown && master?.isLive && (await roleOf(master)).role === 'master' ? master : undefined
  }

  async function followed(): Promise<RedisServer | undefined> {
    const master = await agreed()
    const followers = live(nodes).filter((node) => node !== master)
    const roles = await Promise.all(followers.map(roleOf))
    const isFollowed = roles.every(({ role, of, link }) => role === 'slave' && of === master?.port && link === 'connected')
    return isFollowed ? master : undefined
  }

  const settled = () => eventually('all Sentinels agree on a master, and it is followed', followed)

  /** By order: left to themselves, the Sentinels may split their votes, and then wait for 10 seconds. */
  async function succeed(old: RedisServer): Promise<RedisServer> {
    await eventually('a Sentinel begins the failover', async () => live(sentinels)[0]?.command('SENTINEL', 'FAILOVER', NAME))
    const next = await eventually('all Sentinels agree on another master', async () => {
      const master = await agreed()
      return master === old ? undefined : master
    })
    const others = live(nodes).filter((node) => node !== next)
    await Promise.all(others.map((node) => follow(node, next)))
    return settled()
  }

  return {
    name: NAME,
    sentinels,
    nodes,
    master: () => eventually('all Sentinels agree on a master', agreed),
    async failover(how = 'kill') {
      const old = await settled()
      if (how === 'kill') await old.kill()
      else old.freeze()
      return succeed(old)
    },
    async demote() {
      return succeed(await settled())
    },
    async rejoin(node) {
      const master = await eventually('all Sentinels agree on a master', agreed)
      node.thaw()
      if (!node.isLive) await node.start()
      await follow(node, master)
      await settled()
    },
    async settled() {
      await settled()
    },
    async stop() {
      await Promise.all([...sentinels, ...nodes].map((server) => server.stop()))
    },
  }
}

/** What the Sentinels have it do as well, within 10 seconds. */
async function follow(node: RedisServer, { host, port }: RedisServer): Promise<void> {
  await node.command('REPLICAOF', host, port)
}

interface Seen {
  readonly port: number
  readonly flags: string
  readonly slaves: number
  readonly others: number
}

async function masterSeenBy(sentinel: Server): Promise<Seen> {
  const reply = await sentinel.command('SENTINEL', 'MASTER', NAME)
  const list = Array.isArray(reply) ? reply.map(String) : []
  const field = (name: string) => list[list.indexOf(name) + 1] ?? ''
  const number = (name: string) => Number(field(name))
  return { port: number('port'), flags: field('flags'), slaves: number('num-slaves'), others: number('num-other-sentinels') }
}

async function roleOf(node: RedisServer): Promise<{ role: string; of: number; link: string }> {
  const reply = await node.command('ROLE')
  const [role = '', , of, link = ''] = Array.isArray(reply) ? reply.map(String) : []
  return { role, of: Number(of), link }
}
