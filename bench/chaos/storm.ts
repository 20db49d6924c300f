import { setTimeout as pause } from 'node:timers/promises'
import { LEASE_MS, LONG_KEY } from './app/setup.ts'
import { now } from './clock.ts'
import { type Fault, faults } from './faults.ts'
import { type History, RECOVERY_MS } from './history.ts'
import type { Member } from './members.ts'
import type { Random } from './random.ts'
import type { Target } from './targets.ts'
import type { World } from './world.ts'

/** How long after its lease what a process held is surely free. */
const LATE_MS = 1_000
const SHORT_STOP_MS = 1_500
const BOUND_MS = 5_000

export interface Storm {
  readonly world: World
  readonly targets: readonly Target[]
  /** Decides what goes wrong, and nothing else. */
  readonly random: Random
}

/**
 * Has one thing go wrong, or two at once.
 *
 * @returns Resolves when it is over, with when nothing of it may be felt any more
 */
export function createStorm({ world, targets, random }: Storm): () => Promise<number> {
  const { history, members, listen, ask } = world
  const waiting = new Map<number, () => void>()
  listen((member, said) => {
    if (said.type === 'took' && said.holding.key === LONG_KEY) waiting.get(member)?.()
  })

  /** Resolves when a process works under the lock; or when it gets none. */
  async function hold(member: Member): Promise<void> {
    const took = new Promise<void>((resolve) => waiting.set(member.index, resolve))
    const path = `/lock/${LONG_KEY}`
    const asked = ask({ workload: 'locks', member, path, method: 'POST', may: [409], boundMs: BOUND_MS }).then(() => {})
    await Promise.race([took, asked])
  }

  /** For so long that its lease is over, and another has the lock: or for a moment. */
  async function stop(member: Member, other: Member, isLong: boolean): Promise<void> {
    await hold(member)
    const over = history.trouble('process stopped', { member: member.index })
    member.stop()
    await pause(isLong ? LEASE_MS : random.whole(200, SHORT_STOP_MS))
    if (isLong) await hold(other)
    member.wake()
    over()
  }

  async function kill(member: Member): Promise<void> {
    await hold(member)
    const over = history.trouble('process killed', { member: member.index })
    await member.kill()
    await member.start()
    over()
  }

  return async () => {
    const strikes: Promise<void>[] = []
    const isForMember = random.chance(0.4)
    if (!isForMember || random.chance(0.3)) strikes.push(strike(history, random.oneOf(faults), random.oneOf(targets), random))
    if (isForMember) {
      const member = random.oneOf(members)
      const other = random.oneOf(members.filter((each) => each !== member))
      strikes.push(random.chance(0.4) ? kill(member) : stop(member, other, random.chance(0.6)))
    }
    await Promise.all(strikes)
    return now() + (isForMember ? LEASE_MS + LATE_MS : RECOVERY_MS)
  }
}

async function strike(history: History, { what, loses = false, inflict }: Fault, target: Target, random: Random): Promise<void> {
  const over = history.trouble(what, { loses, where: target.name })
  await inflict(target, random)
  await target.settled()
  over()
}
