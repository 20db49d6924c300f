import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isPipedInto, onPipeStopped } from './capture/departure.ts'
import { onClosed } from './closed.ts'

/**
 * Calls back when handlers end the response or break it off, whether or not its client is still there; at once when they have.
 *
 * Node tells of neither once the client is gone, nor while a pipelined response waits for its turn: the calls themselves do. A stream
 * that was piped when the client left has stopped for good, and one that is piped afterwards stops when it closes: they call nothing.
 */
export function onEnded(socket: Socket, res: ServerResponse, listener: () => void): void {
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
  onClosed(socket, res, () => {
    if (isPipedInto(res)) listener()
    else if (!res.writableEnded) onPipeStopped(res, listener)
  })
}
