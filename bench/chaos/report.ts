import { groupBy } from './group-by.ts'
import type { World } from './world.ts'

const BEFORE_MS = 8_000
const AFTER_MS = 500
const MOST_SHOWN = 10

/** What was done, what was answered, and what should not have been. */
export function report({ history, counts }: Pick<World, 'history' | 'counts'>): string {
  const lines = ['Faults']
  for (const [what, times] of history.faults) lines.push(`  ${what.padEnd(24)} ${String(times).padStart(6)}`)
  if (history.stalls.length > 1)
    lines.push('', `The machine stood still ${history.stalls.length - 1} times: what is late then is no breach.`)
  lines.push('', 'Requests                      200, 201   others')
  for (const [workload, byStatus] of counts) lines.push(`  ${workload.padEnd(24)} ${statusesOf(byStatus)}`)
  const byInvariant = groupBy(history.breaches, ({ invariant }) => invariant)
  lines.push('', `Breaches${String(history.breaches.length).padStart(25)}`)
  for (const [invariant, { length }] of byInvariant) lines.push(`  ${invariant.padEnd(36)} ${String(length).padStart(6)}`)
  return lines.join('\n')
}

/** Each breach with what happened around it. */
export function breachesOf({ history }: Pick<World, 'history'>): string {
  const shown = history.breaches.slice(0, MOST_SHOWN).map(({ invariant, detail, at }) => {
    const around = history.between({ from: at - BEFORE_MS, to: at + AFTER_MS })
    const events = around.map(
      (each) => `    ${((each.at - history.began) / 1_000).toFixed(3)} s  ${each.text.split('\n', 1)[0]?.slice(0, 160)}`,
    )
    return [`${invariant}, ${((at - history.began) / 1_000).toFixed(3)} s:`, `  ${detail}`, ...events].join('\n')
  })
  const left = history.breaches.length - shown.length
  return [...shown, ...(left > 0 ? [`and ${left} more`] : [])].join('\n\n')
}

function statusesOf(byStatus: ReadonlyMap<number, number>): string {
  const good = (byStatus.get(200) ?? 0) + (byStatus.get(201) ?? 0)
  const others = [...byStatus].filter(([status]) => status !== 200 && status !== 201).sort(([a], [b]) => a - b)
  const shown = others.map(([status, times]) => `${status === 0 ? 'none' : status}: ${times}`)
  return `${String(good).padStart(12)}   ${shown.join(', ')}`
}
