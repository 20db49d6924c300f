import type { SessionRecord } from '../merge.ts'
import { isMoveRecord } from '../names.ts'
import { read } from '../operations/read.ts'
import type { Context } from './context.ts'
import type { Removal } from './removal.ts'
import { isWrongType } from './run.ts'

/** All sessions of a store. They are called by their names, which are their ids, or the hashes of those. */
export interface Collection {
  names(): Promise<string[]>
  /** All that can be read. */
  all(): Promise<{ readonly name: string; readonly session: SessionRecord }[]>
  clear(): Promise<void>
  /** A session as it is stored, if it can be read: here nobody has to be told that it can't. */
  peek(name: string): Promise<SessionRecord | undefined>
}

const MOST_AT_ONCE = 100

export function createCollection({ settings, dialect, codec, run }: Context, { remove }: Removal): Collection {
  const { adapter, prefix, ttlMs } = settings
  const looking = { defaultMs: ttlMs, afterMs: -1, by: dialect.by }

  async function names(): Promise<string[]> {
    const found: string[] = []
    for await (const key of adapter.scan(prefix)) found.push(key.slice(prefix.length))
    return found
  }

  async function stored(name: string): Promise<Buffer | undefined> {
    try {
      return (await run(read, prefix + name, looking))?.bytes
    } catch (error) {
      if (!isWrongType(error)) throw error
      return undefined
    }
  }

  async function peek(name: string): Promise<SessionRecord | undefined> {
    const bytes = await stored(name)
    if (bytes === undefined || isMoveRecord(bytes)) return undefined
    try {
      return (await codec.parse(codec.decode(prefix + name, bytes))).session
    } catch {
      return undefined
    }
  }

  return {
    names,
    peek,

    async all() {
      const found = await inTurns(await names(), async (name) => ({ name, session: await peek(name) }))
      return found.flatMap(({ name, session }) => (session === undefined ? [] : [{ name, session }]))
    },

    async clear() {
      await inTurns(await names(), remove)
    },
  }
}

/** Asks for many, some at once, so that no call waits behind all the others for longer than its deadline. */
async function inTurns<T>(names: readonly string[], ask: (name: string) => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  for (let at = 0; at < names.length; at += MOST_AT_ONCE) {
    answers.push(...(await Promise.all(names.slice(at, at + MOST_AT_ONCE).map(ask))))
  }
  return answers
}
