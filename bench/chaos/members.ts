import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Said } from './app/said.ts'
import type { Setup } from './app/setup.ts'

const program = fileURLToPath(new URL('./app/main.ts', import.meta.url))
const END_MS = 3_000

/** An app's process, which is started again under the same index when it was killed. */
export interface Member {
  readonly index: number
  readonly framework: Setup['framework']
  /** Where it listens now. */
  readonly url: string
  start(): Promise<void>
  kill(): Promise<void>
  stop(): void
  wake(): void
  /** Has it tell how many timers and listeners there are. */
  count(): void
  /** Asks it to end, and says why that was not well, if it was not. */
  end(): Promise<string | undefined>
}

/** @param hear Told whatever it says, and that it has ended where nobody has asked it to */
export function memberOf(index: number, setup: Setup, hear: (said: Said | { type: 'ended'; why: string }) => void): Member {
  let child: ChildProcess | undefined
  let url = ''
  let stderr = ''
  let isAsked = false

  process.once('exit', () => child?.kill('SIGKILL')) // one that is stopped would hear of nothing

  async function start(): Promise<void> {
    isAsked = false
    stderr = ''
    const env = { ...process.env, CHAOS: JSON.stringify(setup) }
    const started = fork(program, { execArgv: ['--import', 'tsx'], env, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
    child = started
    started.stderr?.on('data', (chunk) => {
      stderr += String(chunk)
    })
    started.once('exit', (code, signal) => {
      if (!isAsked) hear({ type: 'ended', why: `with ${signal ?? code}: ${stderr}` })
    })
    const listening = new Promise<void>((resolve) => {
      started.on('message', (message) => {
        const said = message as Said // by app/main.ts
        if (said.type !== 'listening') return hear(said)
        url = `http://127.0.0.1:${said.port}`
        resolve()
      })
    })
    await Promise.race([listening, once(started, 'exit')])
  }

  return {
    index,
    framework: setup.framework,
    get url() {
      return url
    },
    start,

    async kill() {
      isAsked = true
      if (child === undefined || child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },

    stop: () => void child?.kill('SIGSTOP'),
    wake: () => void child?.kill('SIGCONT'),
    count: () => void child?.send('count'),

    async end() {
      isAsked = true
      if (child === undefined || child.exitCode !== null) return undefined
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child?.kill('SIGKILL'), END_MS)
      const [code, signal] = (await exited) as [number | null, string | null]
      clearTimeout(timer)
      return code === 0 ? undefined : `it ended with ${signal ?? code}, ${END_MS} ms after SIGTERM at most: ${stderr}`
    },
  }
}
