import { setTimeout as pause } from 'node:timers/promises'
import { LEASE_MS } from './app/setup.ts'
import { now } from './clock.ts'
import { type Fault, faults } from './faults.ts'
import { type History, RECOVERY_MS } from './history.ts'
import type { Member } from './members.ts'
import type { Random } from './random.ts'
import type { Target } from './targets.ts'

/** How long after its lease what a process held is surely free. */
const LATE_MS = 1_000
const LONGEST_STOP_MS = LEASE_MS + 2_000

export interface Storm {
  readonly history: History
  readonly targets: readonly Target[]
  readonly members: readonly Member[]
  /** Decides what goes wrong, and nothing else. */
  readonly random: Random
}

/** One thing goes wrong, or two at once. Resolves when it is over, with when nothing of it may be felt any more. */
export async function blow({ history, targets, members, random }: Storm): Promise<number> {
  const strikes: (() => Promise<void>)[] = []
  const isForMember = random.chance(0.3)
  if (!isForMember || random.chance(0.3)) {
    const [fault, target] = [random.oneOf(faults), random.oneOf(targets)]
    strikes.push(() => strike(history, fault, target, random))
  }
  if (isForMember) {
    const member = random.oneOf(members)
    const isKilled = random.chance(0.5)
    const ms = random.whole(200, LONGEST_STOP_MS)
    strikes.push(() => (isKilled ? kill(history, member) : stop(history, member, ms)))
  }
  await Promise.all(strikes.map((each) => each()))
  return now() + (isForMember ? LEASE_MS + LATE_MS : RECOVERY_MS)
}

async function strike(history: History, { what, loses = false, inflict }: Fault, target: Target, random: Random): Promise<void> {
  const over = history.trouble(what, { loses, where: target.name })
  await inflict(target, random)
  await target.settled()
  over()
}

async function stop(history: History, member: Member, ms: number): Promise<void> {
  const over = history.trouble('process stopped', { member: member.index })
  member.stop()
  await pause(ms)
  member.wake()
  over()
}

async function kill(history: History, member: Member): Promise<void> {
  const over = history.trouble('process killed', { member: member.index })
  await member.kill()
  await member.start()
  over()
}
