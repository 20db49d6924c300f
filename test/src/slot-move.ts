import { withRedis } from './redis-command.ts'
import type { RedisServer } from './redis-server.ts'

/** A slot on its way from one master to another: what is not there any more is answered by ASK, half of it by TRYAGAIN. */
export interface SlotMove {
  readonly slot: number
  readonly from: RedisServer
  readonly to: RedisServer
  /** Takes some of its keys over. */
  migrate(...keys: (string | Buffer)[]): Promise<void>
  /** Takes over what is left, and gives the slot to its new master. Resolves when every node knows. */
  finish(): Promise<void>
}

const MIGRATE_MS = 5_000
const KEYS_AT_ONCE = 1_000

interface Course {
  readonly slot: number
  readonly from: RedisServer
  readonly to: RedisServer
  /** All that are alive. */
  readonly masters: readonly RedisServer[]
  idOf(node: RedisServer): string
}

export async function beginSlotMove({ slot, from, to, masters, idOf }: Course): Promise<SlotMove> {
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', idOf(from))
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', idOf(to))

  async function migrate(...keys: (string | Buffer)[]): Promise<void> {
    await from.command('MIGRATE', to.host, to.port, '', 0, MIGRATE_MS, 'KEYS', ...keys)
  }

  return {
    slot,
    from,
    to,
    migrate,
    async finish() {
      for (let keys = await keysIn(from, slot); keys.length > 0; keys = await keysIn(from, slot)) await migrate(...keys)
      // The new master first, so that the slot always has one.
      const others = masters.filter((master) => master !== to && master !== from)
      for (const master of [to, from, ...others]) await master.command('CLUSTER', 'SETSLOT', slot, 'NODE', idOf(to))
    },
  }
}

/** As bytes: a key need not be text. */
async function keysIn({ port }: RedisServer, slot: number): Promise<Buffer[]> {
  const keys = await withRedis(port, (redis) => redis.callBuffer('CLUSTER', 'GETKEYSINSLOT', slot, KEYS_AT_ONCE))
  return Array.isArray(keys) ? keys.filter((key) => Buffer.isBuffer(key)) : []
}
