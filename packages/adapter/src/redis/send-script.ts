import type { RedisArgument } from '../operation.ts'
import type { RedisClient } from './client.ts'
import type { Connection } from './connection.ts'
import type { Waiting } from './deadline.ts'
import { isNoScript } from './errors.ts'
import type { Script } from './script.ts'

/** What a script is asked in one EVALSHA. Its keys are in one slot. */
export interface Asked {
  readonly keys: readonly string[]
  readonly args: readonly RedisArgument[]
}

export interface ScriptCall {
  readonly script: Script
  readonly slot: number
  /** What those ask who still wait: made anew each time that it is sent. */
  ask(): Asked
  /** Who waits for it; the first, where several do. */
  readonly waiting: Waiting
  /** Whether nobody waits for it any more: then nothing further is sent. */
  isOver(): boolean
}

export type SendScript = (call: ScriptCall) => Promise<unknown>

/**
 * Runs scripts by their digest.
 *
 * A script that a master does not know is sent whole by the first call that learns of it; the others wait for that and send
 * their digest again. Nothing else is ever sent twice: the script may have run.
 */
export function createSendScript(client: RedisClient, { watch }: Connection): SendScript {
  const loading = new Map<string, Promise<unknown>>()

  function load({ script, ask }: ScriptCall, place: string): Promise<unknown> {
    const { keys, args } = ask()
    const loaded = client.eval(script.lua, keys, args)
    const settled = loaded.then(forget, forget)
    function forget(): void {
      if (loading.get(place) === settled) loading.delete(place)
    }
    loading.set(place, settled)
    return loaded
  }

  async function resend(call: ScriptCall, error: unknown): Promise<unknown> {
    if (!isNoScript(error) || call.isOver()) throw error
    const { script, slot } = call
    const place = `${client.masterOf(slot)} ${script.sha}`
    const other = loading.get(place)
    if (other === undefined) return load(call, place)
    await other
    if (call.isOver()) throw error
    try {
      return await evalSha(call)
    } catch (again) {
      if (!isNoScript(again) || call.isOver()) throw again
      return load(call, place)
    }
  }

  function evalSha({ script, ask }: ScriptCall): Promise<unknown> {
    const { keys, args } = ask()
    return client.evalSha(script.sha, keys, args)
  }

  function send(call: ScriptCall): Promise<unknown> {
    return evalSha(call).catch((error: unknown) => resend(call, error))
  }

  return (call) => watch(client, call.slot, call.waiting, call.isOver, () => send(call))
}
