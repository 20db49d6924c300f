import type { RedisArgument } from '../operation.ts'
import type { RedisClient } from './client.ts'
import type { Waiting } from './deadline.ts'
import { isNoScript } from './errors.ts'
import type { Script } from './script.ts'

export type RunScript = (
  client: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly RedisArgument[],
  waiting: Waiting,
) => Promise<unknown>

/**
 * Runs scripts by their digest.
 *
 * A script that Redis does not know is sent whole by the first call that learns of it; the others wait for that and send
 * their digest again. Nothing else is ever sent twice: the script may have run.
 */
export function createRunScript(): RunScript {
  const loading = new Map<string, Promise<unknown>>()

  function load(...[client, script, keys, args]: Parameters<RunScript>): Promise<unknown> {
    const loaded = client.eval(script.lua, keys, args)
    const settled = loaded.then(forget, forget)
    function forget(): void {
      if (loading.get(script.sha) === settled) loading.delete(script.sha)
    }
    loading.set(script.sha, settled)
    return loaded
  }

  async function resend(error: unknown, ...parameters: Parameters<RunScript>): Promise<unknown> {
    const [client, script, keys, args, waiting] = parameters
    if (!isNoScript(error) || waiting.over) throw error
    const other = loading.get(script.sha)
    if (other === undefined) return load(...parameters)
    await other
    if (waiting.over) throw error
    try {
      return await client.evalSha(script.sha, keys, args)
    } catch (again) {
      if (!isNoScript(again) || waiting.over) throw again
      return load(...parameters)
    }
  }

  return (client, script, keys, args, waiting) =>
    client.evalSha(script.sha, keys, args).catch((error: unknown) => resend(error, client, script, keys, args, waiting))
}
