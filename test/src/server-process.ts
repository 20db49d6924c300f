import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { guardianOf } from './guardian.ts'
import { redisBinary } from './redis-binary.ts'

/** A process of the Redis server's binary, with a folder that outlives its restarts. */
export interface ServerProcess {
  readonly folder: string
  /** It has been started, and neither killed nor frozen since. */
  readonly isLive: boolean
  /** Resolves when it has printed a line like `ready`. */
  start(args: readonly string[], ready: RegExp): Promise<void>
  /** Stops it without ending it: connections stand, nothing answers. */
  freeze(): void
  thaw(): void
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
  /** Ends it for good, and removes its folder. */
  stop(): Promise<void>
}

export function serverProcess(): ServerProcess {
  const binary = redisBinary()
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-redis-'))
  const guardian = guardianOf(folder)
  let child: ChildProcess | undefined
  let isFrozen = false

  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null

  async function kill(): Promise<void> {
    isFrozen = false
    if (child === undefined || !isRunning()) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
    guardian.watch()
  }

  return {
    folder,
    get isLive() {
      return isRunning() && !isFrozen
    },
    async start(args, ready) {
      const started = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      child = started
      guardian.watch(started.pid)
      await printed(started, started.stdout, ready)
    },
    freeze() {
      isFrozen = true
      child?.kill('SIGSTOP')
    },
    thaw() {
      isFrozen = false
      child?.kill('SIGCONT')
    },
    kill,
    async stop() {
      await kill()
      guardian.dismiss()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function printed(child: ChildProcess, stdout: Readable, line: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const listen = (chunk: unknown) => {
      output += String(chunk)
      if (!line.test(output)) return
      stdout.off('data', listen).resume()
      resolve()
    }
    stdout.on('data', listen)
    child.once('error', reject)
    child.once('close', (code) => reject(new Error(`${child.spawnfile} ended with ${code} at its start: ${output}`)))
  })
}
