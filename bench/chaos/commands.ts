import type { RedisServer } from '@holdfast/test/redis'

export type Command = Parameters<RedisServer['command']>

/** A command that has to be done, whatever state the server is in. */
export async function insist(server: RedisServer, ...command: Command): Promise<void> {
  for (let left = 10; ; left -= 1) {
    try {
      await server.command(...command)
      return
    } catch (error) {
      if (left === 0) throw error
    }
  }
}
