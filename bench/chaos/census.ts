import type { Said } from './app/said.ts'
import type { World } from './world.ts'

type Count = Extract<Said, { type: 'census' }>

const MOST_TIMERS_MORE = 30
const MOST_LISTENERS_MORE = 3

/** Hears all that members have said so far, and sees that nothing piles up in them. */
export function createCensus({ history, members, listen }: World): () => Promise<void> {
  /** By process. */
  const first = new Map<string, Count>()
  const waiting = new Map<number, (count: Count) => void>()
  listen((member, said) => {
    if (said.type === 'census') waiting.get(member)?.(said)
  })

  return async () => {
    await Promise.all(
      members.map(async ({ index, url, count }) => {
        const counted = await new Promise<Count>((resolve) => {
          waiting.set(index, resolve)
          count()
        })
        const before = first.get(url) ?? counted
        first.set(url, before)
        const [timers, listeners] = [counted.timers - before.timers, counted.listeners - before.listeners]
        if (timers <= MOST_TIMERS_MORE && listeners <= MOST_LISTENERS_MORE) return
        history.breach('nothing piles up', `process ${index}: ${timers} more timers, ${listeners} more listeners`)
      }),
    )
  }
}
