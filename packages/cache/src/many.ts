import { detached, loadingOf, useTags } from './context.ts'
import type { Loading } from './loading.ts'
import type { Lifetime } from './options.ts'
import type { Reader } from './reader.ts'
import type { TaskOf } from './tasks.ts'

/** A loader of several keys: it gives a Map, or a list in the order of the keys. */
export type ManyLoader<Value> = (
  missing: string[],
) =>
  | Promise<ReadonlyMap<string, Value | undefined> | readonly (Value | undefined)[]>
  | ReadonlyMap<string, Value | undefined>
  | readonly (Value | undefined)[]

interface GetManyParts extends Loading {
  readonly subjectOf: (key: string) => string
  readonly reader: Reader
  readonly taskOf: TaskOf
}

/** The `getMany` of a cache. */
export function createGetMany({ subjectOf, reader, taskOf, obtain, refresh, conclude }: GetManyParts) {
  return async function getMany(keys: readonly string[], loader: ManyLoader<unknown>, lifetime: Lifetime): Promise<unknown[]> {
    const values = new Map<string, unknown>()
    const asked: string[] = []
    for (const key of new Set(keys)) {
      const copy = reader.near(key)
      if (copy === undefined) asked.push(key)
      else values.set(key, copy.value)
    }
    const flights = asked.length === 0 ? [] : await reader.lookAll(asked)
    const seen = flights.map((flight, index) => {
      const key = asked[index] ?? ''
      const found = reader.found(key, flight)
      if (found !== undefined) values.set(key, found.value)
      return { key, flight, found }
    })

    function tasksFor(those: typeof seen, waits: boolean) {
      const keysOf = those.map(({ key }) => key)
      const load = manyLoad(keysOf, (some) => loadAll(some, loader, subjectOf))
      return those.map(({ key, flight, found }) => {
        const options = { waits, stale: found, decided: () => load.decided(key) }
        return { key, flight, found, task: taskOf(key, lifetime, () => load.ask(key), options) }
      })
    }

    const stale = seen.filter(({ found }) => found?.state === 'stale')
    for (const { task, flight } of detached(() => tasksFor(stale, false))) refresh(task, flight)
    const missing = seen.filter(({ found }) => found === undefined || found.state === 'stale-if-error')
    const loaded = tasksFor(missing, true).map(async ({ key, task, flight, found }) => {
      values.set(key, await conclude(task, obtain(task, flight), lifetime, found))
    })
    await Promise.all(loaded)
    return keys.map((key) => values.get(key))
  }
}

/** Collects the keys that this process is to load, and asks for all of them at once. */
interface ManyLoad {
  /** The value of a key. It is asked for with the others when it has been decided who loads each of the keys. */
  ask(key: string): Promise<unknown>
  /** It has been decided who loads `key`. */
  decided(key: string): void
}

/**
 * @param keys Those of which it will be decided who loads them
 * @param load Loads several
 */
function manyLoad(keys: readonly string[], load: (keys: readonly string[]) => Promise<Many>): ManyLoad {
  const undecided = new Set(keys)
  const asked = new Set<string>()
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const all = opened.then(() => load(keys.filter((key) => asked.has(key))))
  all.catch(() => {}) // every key that was asked for rejects with it

  return {
    async ask(key) {
      const isLate = undecided.size === 0
      if (!isLate) asked.add(key)
      const { values, tags } = await (isLate ? load([key]) : all)
      useTags([...tags])
      return values.get(key)
    },
    decided(key) {
      if (undecided.delete(key) && undecided.size === 0) open()
    },
  }
}

/** What was loaded, and the tags of the cached values that it is made of. */
interface Many {
  readonly values: ReadonlyMap<string, unknown>
  readonly tags: ReadonlySet<string>
}

async function loadAll(keys: readonly string[], loader: ManyLoader<unknown>, subjectOf: (key: string) => string): Promise<Many> {
  const tags = new Set<string>()
  if (keys.length === 0) return { values: new Map(), tags }
  const loaded = await loadingOf(keys.map(subjectOf), tags, async () => loader([...keys]))
  if (loaded instanceof Map) return { values: loaded, tags }
  if (!Array.isArray(loaded) || loaded.length !== keys.length) {
    throw new TypeError(`The loader of getMany must give a Map, or a list of ${keys.length} values, one for each key`)
  }
  return { values: new Map(keys.map((key, index) => [key, loaded[index]])), tags }
}
