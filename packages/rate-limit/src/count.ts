import { shown } from '@holdfast/adapter/options'

/** Which requests stay charged once they are answered, by the status of the response. */
export type Count<Native> = 'all' | 'failed' | 'successful' | IsCounted<Native>

export type IsCounted<Native> = (native: Native, status: number) => boolean | Promise<boolean>

/**
 * Whether a response with this status stays charged; undefined: every one does.
 *
 * @throws {RangeError} when it is none of the forms
 */
export function counted<Native>(count: Count<Native>): IsCounted<Native> | undefined {
  if (typeof count === 'function') return count
  switch (count) {
    case 'all':
      return undefined
    case 'failed':
      return (_native, status) => status >= 400
    case 'successful':
      return (_native, status) => status < 400
    default:
      throw new RangeError(`count must be 'all', 'failed', 'successful' or a function, got ${shown(count)}`)
  }
}
