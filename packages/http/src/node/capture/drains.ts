import type { ServerResponse } from 'node:http'

/** Those who wait for a response to take more. */
export interface Drains {
  /** Leaves whoever waits from here on to the response. */
  stop(): void
  /** Tells them that it does. */
  tell(): void
}

/** Notes who waits: `compression` in front keeps them to itself until the head goes out, and an event would reach nobody. */
export function drainsOf(res: ServerResponse): Drains {
  const waiting: ((...args: unknown[]) => void)[] = []
  const { on } = res

  function noting(event: string, listener: (...args: unknown[]) => void): ServerResponse {
    if (event === 'drain') waiting.push(listener)
    return on.call(res, event, listener)
  }

  Object.assign(res, { on: noting })
  return {
    stop() {
      if (Reflect.get(res, 'on') === noting) Object.assign(res, { on })
    },
    tell() {
      const heard = res.rawListeners('drain')
      res.emit('drain')
      for (const listener of waiting) if (!heard.includes(listener)) listener.call(res)
    },
  }
}
