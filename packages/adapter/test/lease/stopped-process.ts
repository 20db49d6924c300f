import { startHeartbeat } from '@holdfast/adapter/lease'

// Holds a lease of 300 ms, and says whether it does: at its start, and when it is asked.
const heartbeat = startHeartbeat({ leaseMs: 300, renew: async () => true, lost: () => new Error('lost') })
process.stdin.once('data', () => {
  console.log(heartbeat.signal.aborted ? 'lost' : 'held')
  process.exit()
})
console.log('held')
