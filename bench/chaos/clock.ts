/** Milliseconds of the machine's monotonic clock, which all processes share. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000
}

/** By `now()`. */
export interface Span {
  readonly from: number
  readonly to: number
}

export function meet(a: Span, b: Span): boolean {
  return a.from <= b.to && b.from <= a.to
}
