import { startRedisServer } from '@holdfast/test/redis'
import { compareLimits } from './faults/limits.ts'
import { comparePages } from './faults/pages.ts'
import { comparePayments } from './faults/payments.ts'
import { compareSessions } from './faults/sessions.ts'
import { compareValues } from './faults/values.ts'

// What goes wrong when requests meet, and when Redis is away, side by side with peers as their documentation has them: a minute in all.
const server = await startRedisServer()
await compareSessions(server)
await comparePayments(server.url)
await comparePages(server)
await compareValues(server.url)
await compareLimits(server)
await server.stop()
process.exit() // clients that were left waiting for Redis keep the process
