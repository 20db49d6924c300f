/** What is held: by how many at once, and by what. */
export interface Holding {
  readonly kind: 'lock' | 'pair' | 'slot'
  readonly key: string
  /** Greater than that of any holder before; 0 where there is none. */
  readonly fence: number
}

/** What an app's process tells the one that watches it. Moments are those of `now()`. */
export type Said =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'took'; readonly id: string; readonly holding: Holding; readonly at: number }
  /** It was surely held until `at`. */
  | { readonly type: 'left'; readonly id: string; readonly at: number }
  | { readonly type: 'run'; readonly key: string; readonly fence: number; readonly attempt: number; readonly at: number }
  | { readonly type: 'ran'; readonly key: string; readonly fence: number; readonly at: number }
  /** What came of a run could not be kept, or its lease was lost. */
  | { readonly type: 'unkept'; readonly key: string; readonly call: string; readonly at: number }
  | { readonly type: 'warning'; readonly code: string; readonly message: string }
  /** It had no time. */
  | { readonly type: 'stalled'; readonly from: number; readonly to: number }
  | { readonly type: 'census'; readonly timers: number; readonly listeners: number }

export function say(said: Said): void {
  process.send?.(said)
}
