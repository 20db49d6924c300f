import { createServer } from 'node:http'
import { apps } from './apps.ts'
import { cachedApps } from './cached-apps.ts'
import { paymentApps } from './payments.ts'
import { sessionApps } from './session-apps.ts'

// One app in a process of its own: `server.ts <app> <Redis' URL>`. It says its port, and, when asked, the time that it has spent
// outside the kernel, in microseconds.
const [, , name = '', redisUrl = ''] = process.argv
const listener = { ...apps, ...cachedApps, ...paymentApps, ...sessionApps }[name]?.(redisUrl)
if (listener === undefined) throw new RangeError(`There is no app ${JSON.stringify(name)}`)
const server = createServer(listener).listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0)
})
server.keepAliveTimeout = 0 // under valgrind a client may well wait for longer
process.on('message', () => {
  process.send?.(process.cpuUsage().user)
})
process.on('disconnect', () => process.exit(0))
