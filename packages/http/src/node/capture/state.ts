/**
 * Where a response is.
 *
 * ```
 * open ---- head: onHead says ----> teeing ---- end ----------------------------------------> over (complete)
 *   |                                 |-------- a chunk too many ---> passing ---- close ---> over (too-large)
 *   |                                 '-------- destroy, client left -----------------------> over (cut)
 *   |-----------------------------> passing ---- close --------------------------------------> over (passed)
 *   '-----------------------------> holding ---- end, destroy -----> held ---- release -----> over (complete, cut)
 *                                     '--------- a chunk too many -> waiting -- onTooLarge -> passing (too-large)
 * ```
 *
 * - open, holding, waiting, held: nothing reaches the methods below. teeing, passing, over: everything does, as it comes.
 * - A response whose client has left, an orphan, stays open or holding: it is disguised as one whose client is there, so that its handler
 *   can end it. `tee` then is a hold that releases itself. It is cut when what wrote it has stopped: a pipe that was under way, a
 *   stream that closes before its end, `destroy`.
 * - Captures may lie over each other, with other middlewares between: each knows only the methods that it found.
 */
export type State = 'open' | 'teeing' | 'passing' | 'holding' | 'waiting' | 'held' | 'over'
