import type { Adapter, CallOptions } from '../adapter.ts'
import { AdapterWrongTypeError } from '../errors.ts'
import type { RedisClient } from './client.ts'
import type { Connection } from './connection.ts'
import type { Waiting } from './deadline.ts'
import { createLanes, type Item } from './lanes.ts'
import { getValue } from './values.ts'

type Reads = Pick<Adapter, 'get' | 'getMany'>

/** Keys of one slot that are asked for together. */
interface Asked extends Item {
  readonly client: RedisClient
  readonly slot: number
  readonly keys: readonly string[]
  resolve(values: readonly (Uint8Array | null)[]): void
  reject(error: unknown): void
}

/** Values may be large, and are all in one answer. */
const MOST_TOGETHER = 16
const MGET = {}

/**
 * Values as Redis itself keeps them: what has ended is gone. Lists of keys that are asked for while others are on their way go together,
 * in one MGET; each list is read at one moment.
 */
export function plainReads(connection: Connection, prefix: string, patienceMs: number): Reads {
  const { perform, admit, watch } = connection
  const lanes = createLanes<Asked>({ send, mostItems: MOST_TOGETHER, patienceMs })
  connection.onReady(lanes.resume)

  function send(batch: readonly [Asked, ...Asked[]]): Promise<void> {
    const [{ client, slot, waiting }] = batch
    for (const each of batch) each.waiting.sent = true
    const keys = batch.flatMap((each) => each.keys)
    const isOver = (): boolean => batch.every((each) => each.waiting.over)
    return watch(client, slot, waiting, isOver, () => client.getMany(keys))
      .then((values) => {
        let at = 0
        for (const { keys: own, resolve } of batch) {
          resolve(values.slice(at, at + own.length))
          at += own.length
        }
      })
      .catch((error: unknown) => {
        for (const { reject } of batch) reject(error)
      })
  }

  function ask(client: RedisClient, waiting: Waiting, slot: number, keys: readonly string[]) {
    admit(client, slot, waiting)
    return new Promise<readonly (Uint8Array | null)[]>((resolve, reject) => {
      const bytes = keys.reduce((sum, key) => sum + key.length, 0)
      lanes.add(MGET, slot, { client, slot, keys, waiting, bytes, resolve, reject })
    })
  }

  return {
    async get(key, options) {
      const full = prefix + key
      const value = await perform({ call: 'get', backend: 'redis', key }, options, async (client, waiting) => {
        const slot = client.slotOf(full)
        admit(client, slot, waiting)
        waiting.sent = true
        return watch(
          client,
          slot,
          waiting,
          () => waiting.over,
          () => client.get(full),
        )
      })
      return value ?? undefined
    },
    async getMany(keys, options) {
      if (keys.length === 0) return []
      const values: (Uint8Array | undefined)[] = []
      await perform({ call: 'getMany', backend: 'redis', key: keys.join(' ') }, options, async (client, waiting) => {
        await Promise.all(
          placesBySlot(keys.map((key) => client.slotOf(prefix + key))).map(async ([slot, places]) => {
            const found = await ask(
              client,
              waiting,
              slot,
              places.map((at) => prefix + keys[at]),
            )
            for (const [index, at] of places.entries()) values[at] = found[index] ?? undefined
          }),
        )
      })
      return values
    },
  }
}

/** Values under an injected clock: only a script can tell which have ended by it. */
export function timedReads(run: Adapter['run']): Reads {
  function get(key: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return run(getValue, key, undefined, options)
  }
  return {
    get,
    getMany: (keys, options) => Promise.all(keys.map((key) => get(key, options).catch(undefinedIfState))),
  }
}

/** Which places of a list are in which slot: a Cluster takes keys of one slot in one command. */
function placesBySlot(slots: readonly number[]): [slot: number, places: number[]][] {
  const places = new Map<number, number[]>()
  for (const [at, slot] of slots.entries()) {
    const those = places.get(slot)
    if (those === undefined) places.set(slot, [at])
    else those.push(at)
  }
  return [...places]
}

function undefinedIfState(error: unknown): undefined {
  if (!(error instanceof AdapterWrongTypeError)) throw error
}
