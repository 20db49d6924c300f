import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A program of this repository, run from its sources in a process of its own. */
export interface Program {
  /** The port that it said it listens on. */
  readonly port: number
  /** What it has written to stderr so far. */
  stderr(): string
  /** Asks it to end. Resolves with its exit code, or null when it had to be killed. */
  stop(): Promise<number | null>
  /** Ends it as a crash does. */
  kill(): Promise<void>
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const STOP_MS = 5_000
const running = new Set<ChildProcess>()

/** Ends what a test that failed has left running: Jest would not exit. */
export async function killPrograms(): Promise<void> {
  const exits = [...running].map((child) => once(child, 'exit'))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(exits)
}

/** @param env What its environment has beside that of the tests; undefined takes a variable away */
export async function startProgram(path: string, env: Record<string, string | undefined>): Promise<Program> {
  const child = spawn(process.execPath, ['--conditions=@holdfast/source', '--import', 'tsx', path], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk)
  })
  return {
    port: await portSaidBy(child, () => stderr),
    stderr: () => stderr,
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      clearTimeout(timer)
      return child.exitCode
    },
    async kill() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

function portSaidBy(child: ChildProcess, stderr: () => string): Promise<number> {
  return new Promise((resolve, reject) => {
    let stdout = ''
    child.stdout?.on('data', (chunk) => {
      stdout += String(chunk)
      const [, port] = /http:\/\/127\.0\.0\.1:(\d+)/.exec(stdout) ?? []
      if (port !== undefined) resolve(Number(port))
    })
    child.once('exit', (code) => reject(new Error(`The program ended with ${code} before it said where it listens: ${stderr()}`)))
  })
}
