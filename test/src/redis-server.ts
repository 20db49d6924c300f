import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type Command, redisCommand } from './redis-command.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'

const HOST = '127.0.0.1'

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
  const process = serverProcess()
  const { folder } = process
  const network = ['--port', String(port), '--bind', HOST, '--unixsocket', join(folder, 'redis.sock')]
  const args = [...network, '--save', '', '--appendonly', 'no', '--dir', folder, ...settings]
  return serverOf(process, port, async () => {
    rmSync(join(folder, 'dump.rdb'), { force: true })
    await process.start(args, /ready to accept connections/i)
  })
}

/** A server by its process, and by how that is started. */
export function serverOf(process: ServerProcess, port: number, start: () => Promise<void>): RedisServer {
  const { freeze, thaw, kill, stop } = process
  return {
    host: HOST,
    port,
    url: `redis://${HOST}:${port}`,
    get isLive() {
      return process.isLive
    },
    command: (...command) => redisCommand(port, command),
    freeze,
    thaw,
    kill,
    start,
    stop,
  }
}
