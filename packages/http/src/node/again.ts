import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Captured, TeeOptions } from '../captured.ts'
import { Capture } from './capture/capture.ts'
import { forward, unsent } from './unsent.ts'

/** Runs later handlers on a request whose response is out, on another response in its place. */
export function again(
  request: IncomingMessage,
  response: ServerResponse,
  next: () => Promise<void>,
  options: TeeOptions,
): Promise<Captured> {
  const { req, res } = unsent(request)
  forward(response, res)
  const capture = new Capture(req, res, options)
  next().catch((error: unknown) => capture.fail(error))
  return capture.captured
}
