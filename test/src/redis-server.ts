import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { redisBinary } from './redis-binary.ts'

/** A Redis server of the tests' own, to be frozen, killed and started again. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Stops the process without ending it: connections stand, nothing answers. */
  freeze(): void
  thaw(): void
  /** Ends the process at once, as a crash does. Nothing that it held is kept. */
  kill(): Promise<void>
  /** Starts it again on the same port. */
  start(): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
}

export async function startRedisServer(...settings: string[]): Promise<RedisServer> {
  const port = await freePort()
  const server = redisServerAt(port, settings)
  await server.start()
  return server
}

/** A server that is not running yet. */
export function redisServerAt(port: number, settings: readonly string[] = []): RedisServer {
  const binary = redisBinary()
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'))
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const network = ['--port', String(port), '--bind', '127.0.0.1', '--unixsocket', join(folder, 'redis.sock')]
    const started = spawn(binary, [...network, '--save', '', '--appendonly', 'no', '--dir', folder, ...settings], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child = started
    let output = ''
    for await (const chunk of started.stdout) {
      output += String(chunk)
      if (/ready to accept connections/i.test(output)) break
    }
    if (started.exitCode !== null) throw new Error(`${binary} ended at its start: ${output}`)
    started.stdout.on('error', () => {}).resume()
  }

  async function kill(): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A port that nobody listens on, low enough for a Cluster's bus port beside it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    server.close()
    await once(server, 'close')
    if (typeof address === 'object' && address !== null && address.port <= 55_535) return address.port
  }
}
