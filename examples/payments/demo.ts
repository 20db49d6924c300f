import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startBank } from './bank.ts'

// Sends the same POST five times at once, kills the server in the middle of another, and sends that again.
const { REDIS_URL } = process.env
if (!REDIS_URL) {
  console.error('Set REDIS_URL: a server that is killed has to leave its keys somewhere')
  process.exit(1)
}
const main = fileURLToPath(new URL('main.ts', import.meta.url))
const bank = await startBank(1_000)
let server = await startServer()

console.log('1. The same POST, five times at once:')
const first = randomUUID()
const responses = await Promise.all([1, 2, 3, 4, 5].map(() => pay(first, 5)))
for (const response of responses) console.log(`   ${response}`)
console.log(`   The bank was told to charge ${bank.charges.length} time\n`)

console.log('2. Once more, and then with another amount:')
console.log(`   ${await pay(first, 5)}`)
console.log(`   ${await pay(first, 6)}\n`)

console.log('3. Another payment, whose server is killed when the bank has charged:')
const second = randomUUID()
const charged = bank.nextCharge()
const lost = pay(second, 7)
await charged
server.process.kill('SIGKILL')
console.log(`   ${await lost}`)
server = await startServer()
let response = await pay(second, 7)
while (response.startsWith('409')) {
  console.log(`   ${response}`)
  await wait(500)
  response = await pay(second, 7)
}
console.log(`   ${response}`)
console.log(`   The bank was told to charge ${bank.charges.length} times for two payments`)

server.process.kill('SIGTERM')
bank.close()

async function pay(key: string, amount: number): Promise<string> {
  const headers = { 'Idempotency-Key': `"${key}"`, 'Content-Type': 'application/json', 'X-User': 'ann' }
  try {
    const sent = await fetch(`${server.url}/payments`, { method: 'POST', headers, body: JSON.stringify({ amount }) })
    const replayed = sent.headers.has('Idempotent-Replayed') ? ', replayed' : ''
    const again = sent.headers.get('Retry-After')
    return `${sent.status}${replayed}${again === null ? '' : `, again in ${again} s`}: ${await sent.text()}`
  } catch {
    return 'no response: the connection was lost'
  }
}

async function startServer(): Promise<{ process: ChildProcess; url: string }> {
  const env = { ...process.env, PORT: '0', BANK_URL: bank.url }
  const child = spawn(process.execPath, ['--conditions=@holdfast/source', '--import', 'tsx', main], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.once('exit', () => child.kill())
  const said = String(await once(child.stdout, 'data'))
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? []
  if (url === undefined) throw new Error(`The server says nothing of its address: ${said}`)
  return { process: child, url }
}
