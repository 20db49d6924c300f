import type { Adapter, CallOptions } from '../adapter.ts'
import { AdapterWrongTypeError } from '../errors.ts'
import type { RedisClient } from './client.ts'
import type { Connection } from './connection.ts'
import type { Waiting } from './deadline.ts'
import { getValue } from './values.ts'

type Reads = Pick<Adapter, 'get' | 'getMany'>

/** Values as Redis itself keeps them: what has ended is gone. */
export function plainReads({ perform, admit, watch }: Connection, prefix: string): Reads {
  function ask<T>(client: RedisClient, waiting: Waiting, slot: number, send: () => Promise<T>): Promise<T> {
    admit(client, slot, waiting)
    waiting.sent = true
    return watch(client, slot, waiting, () => waiting.over, send)
  }

  return {
    async get(key, options) {
      const full = prefix + key
      const value = await perform({ call: 'get', backend: 'redis', key }, options, async (client, waiting) =>
        ask(client, waiting, client.slotOf(full), () => client.get(full)),
      )
      return value ?? undefined
    },
    async getMany(keys, options) {
      if (keys.length === 0) return []
      const values: (Uint8Array | undefined)[] = []
      await perform({ call: 'getMany', backend: 'redis', key: keys.join(' ') }, options, async (client, waiting) => {
        await Promise.all(
          placesBySlot(keys.map((key) => client.slotOf(prefix + key))).map(async ([slot, places]) => {
            const asked = places.map((at) => prefix + keys[at])
            const found = await ask(client, waiting, slot, () => client.getMany(asked))
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
