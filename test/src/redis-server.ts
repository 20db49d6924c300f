import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type Command, redisCommand } from './redis-command.ts'
import { serverProcess } from './server-process.ts'

/** A Redis server of the tests' own, to be frozen, killed and started again. */
export interface RedisServer {
  readonly host: string
  readonly port: number
  readonly url: string
  /** It has been started, and neither killed nor frozen since. */
  readonly isLive: boolean
  /** Sends a command over a connection of its own. Replies are as ioredis gives them. */
  command(...command: Command): Promise<unknown>
  /** Stops the process without ending it: connections stand, nothing answers. */
  freeze(): void
  thaw(): void
  /** Ends the process at once, as a crash does. Nothing that it held is kept. */
  kill(): Promise<void>
  /** Starts it again on the same port, with the same settings. */
  start(): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
}

/** @param settings As on the command line: `'--maxmemory', '2mb'`. They hold for every start. */
export async function startRedisServer(...settings: string[]): Promise<RedisServer> {
  const port = await freePort()
  const server = redisServerAt(port, settings)
  await server.start()
  return server
}

/** A server that is not running yet. */
export function redisServerAt(port: number, settings: readonly string[] = []): RedisServer {
  const host = '127.0.0.1'
  const server = serverProcess()
  const { folder, freeze, thaw, kill, stop } = server
  const network = ['--port', String(port), '--bind', host, '--unixsocket', join(folder, 'redis.sock')]
  const args = [...network, '--save', '', '--appendonly', 'no', '--dir', folder, ...settings]
  return {
    host,
    port,
    url: `redis://${host}:${port}`,
    get isLive() {
      return server.isLive
    },
    command: (...command) => redisCommand(port, command),
    freeze,
    thaw,
    kill,
    stop,
    async start() {
      rmSync(join(folder, 'dump.rdb'), { force: true })
      await server.start(args, /ready to accept connections/i)
    },
  }
}
