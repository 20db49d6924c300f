import type { SessionRecord } from './merge.ts'

/** Lets a session object of a framework show `fields`. What the framework has given all sessions is not theirs to change. */
export function show(live: object, fields: SessionRecord, isField: (key: string) => boolean): void {
  const given = Reflect.getPrototypeOf(live) ?? {}
  for (const key of Object.keys(live)) if (isField(key) && !Object.hasOwn(fields, key)) Reflect.deleteProperty(live, key)
  for (const key of Object.keys(fields)) if (isField(key) && !(key in given)) Reflect.set(live, key, fields[key])
}
