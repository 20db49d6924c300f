import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { now } from '../clock.ts'
import { type Holding, say } from './said.ts'

const LOOK_MS = 10

/** Works on what is held for `ms`, or until it is not held any more, and says from when to when it surely was. */
export async function workOn(holding: Holding, ms: number, isHeld: () => boolean): Promise<void> {
  const id = randomUUID()
  const taken = now()
  if (!isHeld()) return
  say({ type: 'took', id, holding, at: taken })
  let at = taken
  while (now() - taken < ms) {
    await pause(LOOK_MS)
    const moment = now()
    if (!isHeld()) break
    at = moment
  }
  say({ type: 'left', id, at })
}

export interface Payment {
  readonly key: string
  readonly fence: number
  readonly attempt: number
}

/** A payment, which is made whatever becomes of its answer. */
export async function pay(payment: Payment, ms: number): Promise<Payment> {
  const { key, fence } = payment
  say({ type: 'run', ...payment, at: now() })
  await pause(ms)
  say({ type: 'ran', key, fence, at: now() })
  return payment
}

/** What was loaded, and when. */
export interface Copy {
  readonly version: number
  readonly began: number
  readonly ended: number
}

export async function copyOf(originUrl: string, id: string, ms: number): Promise<Copy> {
  const began = now()
  const response = await fetch(`${originUrl}/${id}`)
  const version = Number(await response.text())
  await pause(ms)
  return { version, began, ended: now() }
}
