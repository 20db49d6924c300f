import { types } from 'node:util'
import type { Adapter } from './adapter.ts'

/** A value as error messages show it: of an object, which may hold a secret, only that it is one. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return 'a list'
  if (types.isPromise(value)) return 'a promise' // of what was not waited for
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/**
 * @param of What takes the options, as messages name it
 * @param known The names of those that there are
 * @throws {TypeError} when the options are no object, or there is one that nothing reads: it is misspelt, or of another library
 */
export function checkKnown(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    const what = typeof options === 'string' ? 'a string' : shown(options) // a URL may have a password
    throw new TypeError(`The options of ${of} must be an object, got ${what}`)
  }
  for (const option of Object.keys(options)) {
    if (known.includes(option) || Reflect.get(options, option) === undefined) continue
    if ('httpVersion' in options || 'req' in options) {
      throw new TypeError(`${of} was given a request: write ${of}(options), which makes a middleware`)
    }
    throw new TypeError(`Unknown option ${shown(option)} of ${of}: there are ${known.join(', ')}`)
  }
}

/**
 * What was given as the option `adapter` of a package that needs one.
 *
 * @throws {TypeError} when it is missing, or no adapter, and says what to give
 */
export function checkedAdapter(given: unknown): Adapter {
  if (isAdapter(given)) return given
  if (given === undefined || given === null)
    throw new TypeError('adapter is missing: give memoryAdapter() or redisAdapter({ url })')
  const other = types.isPromise(given) ? 'a promise' : 'another object'
  const what = typeof given === 'object' ? other : `a ${typeof given}` // a URL may have a password
  throw new TypeError(
    `adapter must be memoryAdapter(), redisAdapter({ url }), or of a client redisAdapter({ client }), got ${what}`,
  )
}

function isAdapter(given: unknown): given is Adapter {
  return typeof given === 'object' && given !== null && 'run' in given && typeof given.run === 'function'
}

/** @throws {TypeError} when it is no string */
export function checkedString(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new TypeError(`${name} must be a string, got ${shown(value)}`)
}

/** @throws {TypeError} when it is no boolean */
export function checkedFlag(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} must be true or false, got ${shown(value)}`)
}

/** @throws {TypeError} when one of them is neither a function nor left out */
export function checkFunctions(functions: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(functions)) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name} must be a function, got ${shown(value)}`)
  }
}

/** @throws {RangeError} when it is none of those */
export function checkedOneOf<Value extends string>(name: string, value: unknown, allowed: readonly Value[]): Value {
  const found = allowed.find((each) => each === value)
  if (found !== undefined) return found
  const choice = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(allowed.map((each) => `'${each}'`))
  throw new RangeError(`${name} must be ${choice}, got ${shown(value)}`)
}

/** @throws {RangeError} when it is no whole number from `least` to `most` */
export function checkedWhole(name: string, value: unknown, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`
  throw new RangeError(`${name} must be a whole number ${range}, got ${shown(value)}`)
}

/** @throws {TypeError} when it is none; undefined is one that is left out */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined || typeof signal?.addEventListener === 'function') return
  throw new TypeError(`signal must be an AbortSignal, got ${shown(signal)}`)
}
