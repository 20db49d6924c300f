import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
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
 * Counts by MONITOR, over a connection of its own: ioredis' breaks where Redis is busy.
 *
 * @param about Counts only commands with an argument that contains this: the prefix of a test, where Redis is shared
 */
export async function commandCounter(url: string, about = ''): Promise<CommandCounter> {
  const own = new Redis(url)
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const lines = createInterface(socket)
  socket.write('MONITOR\r\n')
  await once(lines, 'line')
  const marks = new Map<string, () => void>()
  let names: string[] = []

  lines.on('line', (line: string) => {
    const [, source, name = '', argument = ''] = LINE.exec(line) ?? []
    const reached = marks.get(argument)
    if (reached !== undefined) reached()
    else if (source !== 'lua' && line.includes(about)) names.push(name.toLowerCase())
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
      socket.destroy()
      own.disconnect()
    },
  }
}

/** `+1700000000.000000 [0 127.0.0.1:50000] "get" "key"`, and `[0 lua]` of what a script calls. */
const LINE = /^\+[\d.]+ \[\d+ ([^\]]+)\] "([^"]*)"(?: "([^"]*)")?/
