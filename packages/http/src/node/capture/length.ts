import type { ServerResponse } from 'node:http'

/** How many bytes a response says that its body has. */
export function lengthOf(res: ServerResponse): number | undefined {
  const value = res.getHeader('Content-Length')
  return value === undefined ? undefined : Number(value)
}

/** Does for a held response what Node does where `strictContentLength` is set. */
export function checkLength(res: ServerResponse, length: number | undefined, size: number): void {
  if (!res.strictContentLength || length === undefined || size === length) return
  throw Object.assign(
    new Error(`Response body's content-length of ${size} byte(s) does not match the content-length of ${length}`),
    {
      code: 'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
    },
  )
}

/** Fails a write to a response that is ended; loudly, as Node does, where the response could still be heard. */
export function writeAfterEnd(res: ServerResponse, callback: ((error: Error) => void) | undefined, isLoud: boolean): false {
  const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' })
  process.nextTick(() => {
    callback?.(error)
    if (isLoud && !res.destroyed) res.emit('error', error)
  })
  return false
}
