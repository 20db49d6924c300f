import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'

const program = fileURLToPath(new URL('./programs/aborted-clients.ts', import.meta.url))

it.each(['express', 'koa'])(
  'keeps nothing of 10,000 requests whose clients left, on %s',
  async (framework) => {
    const child = spawn(
      process.execPath,
      ['--expose-gc', '--conditions=@holdfast/source', '--import', 'tsx', program, framework],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
    })
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
    const { captured, growth } = JSON.parse(output)
    expect(captured).toBeGreaterThanOrEqual(10_000)
    expect(growth).toBeLessThan(3_000_000) // each request has kept 10,000 bytes for a while
  },
  60_000,
)
