import { startRedisServer } from '@holdfast/test/redis'
import { apps } from './http/apps.ts'
import { instructionsOf } from './http/instructions.ts'

// Instructions for a request, of all apps with rate limits or of those whose names have a text: it takes minutes for each, and valgrind.
const [, , part = ''] = process.argv
const server = await startRedisServer()
const names = Object.keys(apps).filter((name) => name.includes(part))
console.log(`Node ${process.version}, thousands of instructions for a request, and over the bare app`)
for (const connections of [32, 1]) {
  const bare = new Map<string, number>()
  for (const framework of ['express', 'koa']) bare.set(framework, await instructionsOf(framework, '', connections))
  for (const name of names) {
    const own = bare.get(name) ?? (await instructionsOf(name, server.url, connections))
    const over = own - (bare.get(name.split(',')[0] ?? '') ?? 0)
    const shown = [own, over].map((count) => (count / 1_000).toFixed(0).padStart(5))
    console.log(`  ${name.padEnd(42)} ${String(connections).padStart(2)} connections ${shown.join(' ')}`)
  }
}
await server.stop()
