import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { type Command, redisCommand, withRedis } from './redis-command.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'

const HOST = '127.0.0.1'

/** A server of the tests' own, to be frozen, killed and started again. */
export interface Server {
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

export interface RedisServer extends Server {
  /**
   * Ends the process and starts it again with what it held.
   *
   * @param loadingMs For about how long it then answers LOADING. Not for a node of a Cluster. Defaults to 0
   * @returns When it is `ready()`, or, with `loadingMs`, as soon as it answers LOADING
   */
  restart(loadingMs?: number): Promise<void>
  /** Resolves when it takes commands. */
  ready(): Promise<void>
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

  async function start(): Promise<void> {
    rmSync(join(folder, 'dump.rdb'), { force: true })
    await process.start(args, /ready to accept connections/i)
  }

  async function ready(): Promise<void> {
    await eventually('Redis takes commands', () => redisCommand(port, ['PING']))
  }

  return Object.assign(serverOf(process, port, start), {
    ready,
    async restart(loadingMs = 0) {
      if (loadingMs > 0) await fill(port, Math.ceil(loadingMs / LOADING_STEP_MS))
      await redisCommand(port, ['SAVE'])
      await process.kill()
      await process.start(loadingMs > 0 ? [...args, ...SLOWLY] : args, /server initialized/i)
      if (loadingMs > 0) await eventually('Redis answers LOADING', () => isLoading(port))
      else await ready()
    },
  })
}

/** A server by its process, and by how that is started. */
export function serverOf(process: ServerProcess, port: number, start: () => Promise<void>): Server {
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

const LOADING_STEP_MS = 20
/** How much Redis loads before it looks for commands again. */
const LOADING_STEP_BYTES = 1_024
const SLOWLY = [
  '--key-load-delay',
  String(LOADING_STEP_MS * 1_000),
  '--loading-process-events-interval-bytes',
  String(LOADING_STEP_BYTES),
]

/** Adds keys that end soon. They take long to load: one step each, and Redis can't compress them. */
async function fill(port: number, count: number): Promise<void> {
  await withRedis(port, async (redis) => {
    const keys = Array.from({ length: count }, (_, index) => `holdfast-test-filler:${index}`)
    await Promise.all(keys.map((key) => redis.set(key, randomBytes(2 * LOADING_STEP_BYTES), 'PX', 60_000)))
  })
}

async function isLoading(port: number): Promise<true | undefined> {
  const error = await redisCommand(port, ['PING']).catch((reason: unknown) => reason)
  return error instanceof Error && error.message.startsWith('LOADING') ? true : undefined
}
