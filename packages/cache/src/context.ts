import { AsyncLocalStorage } from 'node:async_hooks'

/** What runs above a call: the loaders, innermost first, and where the tags of what is used go. */
interface Context {
  readonly loading: readonly string[]
  readonly parent: Context | undefined
  readonly tags: Set<string>
  /** What a loader has left behind, as the listeners of a connection that it has opened, runs below it for ever. */
  isOver: boolean
}

const KEY = Symbol.for('holdfast.cache.context')

/** One for all copies of this package. */
const storage: AsyncLocalStorage<Context> = shared()

function shared(): AsyncLocalStorage<Context> {
  const known: unknown = Reflect.get(globalThis, KEY)
  if (known instanceof AsyncLocalStorage) return known as AsyncLocalStorage<Context> // by the same key, so the same kind
  const created = new AsyncLocalStorage<Context>()
  Reflect.set(globalThis, KEY, created)
  return created
}

/** Runs the loader of these subjects; the tags of what it uses from any cache come to `tags`. */
export async function loadingOf<T>(loading: readonly string[], tags: Set<string>, run: () => Promise<T>): Promise<T> {
  const context = { loading, parent: current(), tags, isOver: false }
  try {
    return await storage.run(context, run)
  } finally {
    context.isOver = true
  }
}

/** Runs what makes a response, say; the tags of what it uses from any cache come to `tags`. */
export function collectingTags<T>(tags: Set<string>, run: () => Promise<T>): Promise<T> {
  return loadingOf([], tags, run)
}

/** Runs what nobody waits for: no loader above it is above it. */
export function detached<T>(run: () => T): T {
  return storage.run({ loading: [], parent: undefined, tags: new Set(), isOver: false }, run)
}

/** The innermost of what runs above this call and has not ended. */
function current(): Context | undefined {
  return going(storage.getStore())
}

function going(innermost: Context | undefined): Context | undefined {
  let context = innermost
  while (context?.isOver) context = context.parent
  return context
}

/** Whether a loader runs above this call. */
export function isNested(): boolean {
  return (current()?.loading.length ?? 0) > 0
}

/** Whether the loader of `subject` runs above this call. */
export function isLoading(subject: string): boolean {
  for (let context = current(); context !== undefined; context = going(context.parent)) {
    if (context.loading.includes(subject)) return true
  }
  return false
}

/** A value with these tags is used: what is made of it has them too. */
export function useTags(tags: readonly string[]): void {
  if (tags.length === 0) return
  const context = current()
  for (const tag of tags) context?.tags.add(tag)
}
