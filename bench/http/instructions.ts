import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { numberFrom } from './cost.ts'
import { GET, load } from './load.ts'

const program = fileURLToPath(new URL('./server.ts', import.meta.url))
const COUNTING = ['--tool=cachegrind', '--cache-sim=no', '--cachegrind-out-file=/dev/null', '--smc-check=all-non-file']
/** After so many, what is run often is compiled. */
const WARM_UP = 12_000
const COUNTED = 6_000

/**
 * What a request costs an app's process outside the kernel, in instructions, as valgrind counts them: other than time, they hardly
 * depend on what else the machine does. Of two runs, one gets more requests; what they differ by is those.
 */
export async function instructionsOf(name: string, redisUrl: string, connections: number): Promise<number> {
  const [some, more] = await Promise.all(
    [WARM_UP, WARM_UP + COUNTED].map((total) => countedRun(name, redisUrl, connections, total)),
  )
  return ((more ?? 0) - (some ?? 0)) / COUNTED
}

async function countedRun(name: string, redisUrl: string, connections: number, total: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'instructions-'))
  const log = join(folder, 'log')
  const node = [process.execPath, '--single-threaded-gc', '--import', 'tsx', program, name, redisUrl]
  const child = spawn('valgrind', [...COUNTING, `--log-file=${log}`, ...node], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await load(await numberFrom(child), total, connections, () => GET)
  child.disconnect()
  await once(child, 'exit')
  const said = await readFile(log, 'utf8')
  await rm(folder, { recursive: true })
  const [, count] = /I\s+refs:\s+([\d,]+)/.exec(said) ?? []
  if (count === undefined) throw new Error(`valgrind counted nothing of ${name}: ${said}`)
  return Number(count.replaceAll(',', ''))
}
