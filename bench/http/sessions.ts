import { cycle } from '../measure.ts'
import { report } from './report.ts'
import { requestOf, sessionApps } from './session-apps.ts'

const IDS = Array.from({ length: 1_000 }, (_, at) => `bench${at}`)

/** What a session in Redis costs a request, side by side with peers: of a client each, so that no two write the same one. */
export async function benchSessions(redisUrl: string): Promise<void> {
  for (const [what, path] of [
    ['read', '/'],
    ['read and written', '/write'],
  ] as const) {
    for (const connections of [1, 32]) {
      const next = cycle(IDS.map((id) => requestOf(path, id)))
      const load = { redisUrl, connections, total: connections === 1 ? 2_000 : 10_000, rounds: 7, nextRequest: next }
      await report(`a session, ${what}, ${connections} connection${connections === 1 ? '' : 's'}`, Object.keys(sessionApps), load)
    }
  }
}
