import type { RedisServer } from './redis-server.ts'

/** A node of a Cluster, as another one knows it. */
export interface Member {
  readonly id: string
  readonly port: number
  /** The id of the master whose replica it is. */
  readonly masterId: string | undefined
  /** First and last of each. */
  readonly slots: readonly (readonly [first: number, last: number])[]
}

export function owns({ slots }: Member, slot: number): boolean {
  return slots.some(([first, last]) => first <= slot && slot <= last)
}

/** Who has what, if every live node says the same. */
export async function agreedMembers(nodes: readonly RedisServer[]): Promise<readonly Member[] | undefined> {
  const [first = [], ...others] = await Promise.all(live(nodes).map(membersSeenBy))
  const isAgreed = first.length === nodes.length && others.every((other) => JSON.stringify(other) === JSON.stringify(first))
  return isAgreed ? first : undefined
}

/** The same, if they also serve every slot, and replicas have what their masters have. */
export async function settledMembers(nodes: readonly RedisServer[]): Promise<readonly Member[] | undefined> {
  const isServing = (await Promise.all(live(nodes).map(serves))).every(Boolean)
  return isServing ? agreedMembers(nodes) : undefined
}

async function serves(node: RedisServer): Promise<boolean> {
  const [cluster, replication] = await Promise.all([node.command('CLUSTER', 'INFO'), node.command('INFO', 'replication')])
  const isWell = String(cluster).includes('cluster_state:ok') && String(cluster).includes('cluster_slots_ok:16384')
  return isWell && !String(replication).includes('master_link_status:down')
}

function live(nodes: readonly RedisServer[]): RedisServer[] {
  return nodes.filter(({ isLive }) => isLive)
}

async function membersSeenBy(node: RedisServer): Promise<Member[]> {
  const lines = String(await node.command('CLUSTER', 'NODES')).trimEnd()
  return lines
    .split('\n')
    .map(parsed)
    .sort((a, b) => a.port - b.port)
}

/** A line is `id ip:port@bus flags master ping pong epoch link slots…`, a slot on its way in brackets. */
function parsed(line: string): Member {
  const [id = '', address = '', , master = '-', , , , , ...ranges] = line.split(' ')
  const slots = ranges
    .filter((range) => !range.startsWith('['))
    .map((range) => {
      const [first, last = first] = range.split('-').map(Number)
      return [first ?? 0, last ?? 0] as const
    })
  return { id, port: Number(/:(\d+)/.exec(address)?.[1]), masterId: master === '-' ? undefined : master, slots }
}
