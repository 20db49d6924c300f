import { isPlainObject } from './plain.ts'

/**
 * The key of a call: the argument, when it is one string; else the arguments as JSON, the names of objects sorted.
 *
 * A string that begins like such JSON stands as JSON itself, so that no string that comes from outside is the key of other arguments.
 *
 * @throws {TypeError} when an argument has something that JSON does not tell apart, such as a Map or a function, or holds itself
 */
export function keyOf(args: readonly unknown[]): string {
  const [first] = args
  return args.length === 1 && typeof first === 'string' && !first.startsWith('[') ? first : jsonOf(args)
}

function jsonOf(value: unknown, depth = 0): string {
  if (depth > DEEPEST)
    throw new TypeError(`An argument of a wrapped function holds itself, or is nested more than ${DEEPEST} deep`)
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (value === undefined) return 'undefined'
  if (Array.isArray(value)) return `[${value.map((each) => jsonOf(each, depth + 1)).join(',')}]`
  if (value instanceof Date) return `Date(${value.toJSON()})`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'object' && isPlainObject(value)) {
    const names = Object.keys(value).sort((one, other) => (one < other ? -1 : 1))
    return `{${names.map((name) => `${JSON.stringify(name)}:${jsonOf(Reflect.get(value, name), depth + 1)}`).join(',')}}`
  }
  throw new TypeError(`An argument of a wrapped function must be plain data, to be part of its key; got ${described(value)}`)
}

function described(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? `an instance of ${value.constructor.name}`
    : `${typeof value} ${String(value)}`
}

const DEEPEST = 1_000
