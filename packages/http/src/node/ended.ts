import type { ServerResponse } from 'node:http'

/**
 * Calls back when handlers end the response or break it off, whether or not its client is still there; at once when they have.
 *
 * Node tells of neither once the client is gone, nor while a pipelined response waits for its turn: the calls themselves do.
 */
export function onEnded(res: ServerResponse, listener: () => void): void {
  if (res.writableEnded) return listener()
  const { end, destroy } = res
  Object.assign(res, {
    end(...args: unknown[]): unknown {
      listener()
      return Reflect.apply(end, res, args)
    },
    destroy(...args: unknown[]): unknown {
      listener()
      return Reflect.apply(destroy, res, args)
    },
  })
}
