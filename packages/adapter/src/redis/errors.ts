import { AdapterUnavailableError, AdapterWrongTypeError, isAdapterError, OperationError } from '../errors.ts'
import { type AdapterCall, described } from '../trace.ts'

/** Whether Redis did not run a script because it does not know it: the one error after which sending again is safe. */
export function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

/** What a client's error means to a caller of the adapter. */
export function translated(error: unknown, call: AdapterCall): Error {
  if (isAdapterError(error)) return error
  const message = error instanceof Error ? error.message : String(error)
  if (message.includes('WRONGTYPE')) return new AdapterWrongTypeError(call.key, { cause: error })
  if (message.startsWith('OPERATION') || (FAULT_IN_SCRIPT.test(message) && !REFUSAL_IN_SCRIPT.test(message))) {
    return new OperationError(`Redis could not ${described(call)}: ${message}`, { cause: error })
  }
  return new AdapterUnavailableError(`Redis could not ${described(call)}: ${message}`, { cause: error })
}

/** Redis says so when the script itself is wrong: it does not compile, or an error was raised in it. */
const FAULT_IN_SCRIPT = /^ERR .*(user_script|Error (running|compiling) script)/s

/** Errors of Redis that reach the client through a script, and mean that Redis refuses to work. */
const REFUSAL_IN_SCRIPT = /\b(OOM|READONLY|NOPERM|MISCONF|NOREPLICAS|MASTERDOWN|LOADING)\b|can't run this command/
