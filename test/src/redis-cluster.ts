import { agreedMembers, type Member, owns, settledMembers } from './cluster-members.ts'
import { eventually } from './eventually.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'
import { beginSlotMove, type SlotMove } from './slot-move.ts'

/** A Redis Cluster of the tests' own. */
export interface RedisCluster {
  /** Masters first, as they were at the start. After `kill`, `start` and `thaw` wait for `settled`. */
  readonly nodes: readonly RedisServer[]
  /** The masters that are alive, in the order of their first slots. */
  masters(): Promise<RedisServer[]>
  /** @param slot A slot, or a key in it */
  masterOf(slot: number | string): Promise<RedisServer>
  replicasOf(master: RedisServer): Promise<RedisServer[]>
  slotOf(key: string): Promise<number>
  /** Moves a slot with its keys to another master. Resolves when every node knows. */
  moveSlot(slot: number, to: RedisServer): Promise<void>
  /** Begins to move a slot, and leaves it in the middle. */
  beginMove(slot: number, to: RedisServer): Promise<SlotMove>
  /** Kills a master that has a replica. Resolves with the replica, when it is master and every live node knows. */
  failover(master: RedisServer): Promise<RedisServer>
  /** Makes a replica the master of its master, which stays up as its replica. Resolves when every node knows. */
  demote(master: RedisServer): Promise<RedisServer>
  /** Resolves when all live nodes serve, agree on who has which slot, and have what their masters have. */
  settled(): Promise<void>
  flushAll(): Promise<void>
  /** Ends all nodes for good. */
  stop(): Promise<void>
}

export interface ClusterOptions {
  /** Defaults to 3: a failover needs a majority. */
  readonly masters?: number
  /** Defaults to 0. */
  readonly replicasPerMaster?: number
  /** After how long without an answer a node counts as lost. Defaults to 1,000. */
  readonly nodeTimeoutMs?: number
  /** Of every node, as on the command line: `['--cluster-require-full-coverage', 'no']`. */
  readonly settings?: readonly string[]
}

const SLOTS = 16_384

export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicasPerMaster = 0, nodeTimeoutMs = 1_000, settings = [] } = options
  const clustered = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)]
  const eager = ['--repl-diskless-sync-delay', '0', '--cluster-replica-validity-factor', '0']
  const starts = Array.from({ length: masters * (1 + replicasPerMaster) }, () =>
    startRedisServer(...clustered, ...eager, ...settings),
  )
  const started = await Promise.allSettled(starts)
  const nodes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const cluster = clusterOf(nodes)
  try {
    await Promise.all(starts)
    await join(nodes, masters)
    await cluster.settled()
  } catch (error) {
    await cluster.stop()
    throw error
  }
  return cluster
}

async function join(nodes: readonly RedisServer[], masterCount: number): Promise<void> {
  const masters = nodes.slice(0, masterCount)
  await Promise.all(masters.map((master, index) => giveSlots(master, index, masterCount)))
  const [first, ...others] = nodes
  await Promise.all(others.map(({ host, port }) => first?.command('CLUSTER', 'MEET', host, port)))
  await Promise.all(nodes.slice(masterCount).map((replica, index) => replicate(replica, masters[index % masterCount])))
}

/** Each with an epoch of its own: else they would have to find out who wins, one by one. */
async function giveSlots(master: RedisServer, index: number, masterCount: number): Promise<void> {
  const [first, end] = [index, index + 1].map((each) => Math.floor((each * SLOTS) / masterCount))
  const slots = Array.from({ length: (end ?? 0) - (first ?? 0) }, (_, offset) => (first ?? 0) + offset)
  await master.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)
  await master.command('CLUSTER', 'ADDSLOTS', ...slots)
}

async function replicate(replica: RedisServer, master: RedisServer | undefined): Promise<void> {
  const id = String(await master?.command('CLUSTER', 'MYID'))
  await eventually('the replica knows its master', () => replica.command('CLUSTER', 'REPLICATE', id))
}

function clusterOf(nodes: readonly RedisServer[]): RedisCluster {
  const agreed = () => eventually('all nodes of the cluster agree', () => agreedMembers(nodes))
  const settled = () => eventually('all nodes of the cluster agree and serve', () => settledMembers(nodes))

  const nodeOf = ({ port }: Member): RedisServer => {
    const node = nodes.find((each) => each.port === port)
    if (node === undefined) throw new Error(`The cluster has no node at port ${port}`)
    return node
  }

  async function slotOf(key: string): Promise<number> {
    return Number(await nodes.find(({ isLive }) => isLive)?.command('CLUSTER', 'KEYSLOT', key))
  }

  async function masters(): Promise<RedisServer[]> {
    const first = ({ slots }: Member) => slots[0]?.[0] ?? SLOTS
    const members = (await agreed()).filter(({ slots }) => slots.length > 0)
    return members.sort((a, b) => first(a) - first(b)).map(nodeOf)
  }

  async function masterOf(slot: number | string): Promise<RedisServer> {
    const number = typeof slot === 'number' ? slot : await slotOf(slot)
    const member = (await agreed()).find((each) => owns(each, number))
    if (member === undefined) throw new Error(`Nobody has slot ${number}`)
    return nodeOf(member)
  }

  async function replicasOf(master: RedisServer): Promise<RedisServer[]> {
    const members = await agreed()
    const id = members.find(({ port }) => port === master.port)?.id
    return members
      .filter(({ masterId }) => masterId !== undefined && masterId === id)
      .map(nodeOf)
      .filter(({ isLive }) => isLive)
  }

  async function beginMove(slot: number, to: RedisServer): Promise<SlotMove> {
    const members = await agreed()
    const idOf = ({ port }: RedisServer) => members.find((each) => each.port === port)?.id ?? ''
    const move = await beginSlotMove({ slot, from: await masterOf(slot), to, masters: await masters(), idOf })
    return {
      ...move,
      async finish() {
        await move.finish()
        await settled()
      },
    }
  }

  /** One of these is master, and all agree. */
  function promoted(replicas: readonly RedisServer[]): Promise<RedisServer> {
    return eventually('a replica takes over', async () => {
      const member = (await settledMembers(nodes))?.find(
        ({ port, slots }) => slots.length > 0 && replicas.some((each) => each.port === port),
      )
      return member && nodeOf(member)
    })
  }

  async function replicasToPromote(master: RedisServer): Promise<[RedisServer, ...RedisServer[]]> {
    const [first, ...others] = await replicasOf(master)
    if (first === undefined) throw new Error(`The master at port ${master.port} has no replica: see replicasPerMaster`)
    return [first, ...others]
  }

  return {
    nodes,
    masters,
    masterOf,
    replicasOf,
    slotOf,
    beginMove,
    async moveSlot(slot, to) {
      const move = await beginMove(slot, to)
      await move.finish()
    },
    async failover(master) {
      const replicas = await replicasToPromote(master)
      await master.kill()
      return promoted(replicas)
    },
    async demote(master) {
      const [replica] = await replicasToPromote(master)
      await replica.command('CLUSTER', 'FAILOVER')
      return promoted([replica])
    },
    async settled() {
      await settled()
    },
    async flushAll() {
      await Promise.all((await masters()).map((master) => master.command('FLUSHALL')))
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
}
