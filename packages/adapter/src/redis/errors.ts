import { types } from 'node:util'
import { AdapterUnavailableError, AdapterWrongTypeError, isAdapterError, OperationError } from '../errors.ts'
import { type AdapterCall, described } from '../trace.ts'

/** What one step of a script raised, beside others that may have gone well. */
export class StepError extends Error {
  override readonly name = 'StepError'
}

/** Whether Redis did not run a script because it does not know it: the one error after which sending again is safe. */
export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

/** Whether ioredis gave a command up as the connection is gone: it names an option of its own, and the outage says why. */
export function isGivenUp(error: unknown): boolean {
  return error instanceof Error && error.name === 'MaxRetriesPerRequestError'
}

/** What a client's error means to a caller of the adapter. */
export function translated(error: unknown, call: AdapterCall): Error {
  if (isAdapterError(error)) return error
  const message = types.isNativeError(error) ? error.message : String(error) // Jest has an Error of its own in each file
  if (message.includes('WRONGTYPE')) return new AdapterWrongTypeError(call.key, { cause: error })
  const isFault = error instanceof StepError ? !REFUSAL_IN_SCRIPT.test(message) : FAULTY_SCRIPT.test(message)
  const what = `Redis could not ${described(call)}: ${message}`
  return isFault ? new OperationError(what, { cause: error }) : new AdapterUnavailableError(what, { cause: error })
}

/** Whether Redis itself answered, if only to refuse: it is there, and others may fare better. */
export function isAnswer(error: unknown): boolean {
  return error instanceof StepError || (error instanceof Error && REPLY.test(error.message) && !OUT_OF_ORDER.test(error.message))
}

/** Replies to errors begin with a word in capitals, what clients say themselves does not. */
const REPLY = /^[A-Z]{3,} /

/** A server that says so serves nobody. */
const OUT_OF_ORDER = /\b(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|BUSY|NOAUTH)\b/

/** Redis says so when the script does not compile. */
const FAULTY_SCRIPT = /^ERR .*Error compiling script/s

/** Errors of Redis that are raised in a script, and mean that Redis refuses to work. What it says of rights differs by version. */
const REFUSAL_IN_SCRIPT =
  /\b(OOM|READONLY|NOPERM|MISCONF|NOREPLICAS|MASTERDOWN|LOADING)\b|The user executing the script can't|ACL failure in script/
