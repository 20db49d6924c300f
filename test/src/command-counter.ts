import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'

export interface CommandCounter {
  /**
   * The commands that clients have sent since the start or the last call, in the order in which Redis ran them:
   * their names, in lower case. Those that scripts call are not among them.
   *
   * Waits until every command that was answered before is seen.
   */
  take(): Promise<string[]>
  stop(): void
}

/**
 * Counts by MONITOR.
 *
 * @param about Counts only commands with an argument that contains this: the prefix of a test, where Redis is shared
 */
export async function commandCounter(url: string, about = ''): Promise<CommandCounter> {
  const own = new Redis(url)
  const monitor = await own.monitor()
  const marks = new Map<string, () => void>()
  let names: string[] = []

  monitor.on('monitor', (_time: string, [name = '', ...args]: string[], source: string) => {
    const reached = marks.get(args[0] ?? '')
    if (reached !== undefined) reached()
    else if (source !== 'lua' && (about === '' || args.some((each) => each.includes(about)))) names.push(name.toLowerCase())
  })

  return {
    async take() {
      const mark = randomUUID()
      const seen = new Promise<void>((resolve) => marks.set(mark, resolve))
      await own.echo(mark)
      await seen
      marks.delete(mark)
      const taken = names
      names = []
      return taken
    },
    stop() {
      monitor.disconnect()
      own.disconnect()
    },
  }
}
