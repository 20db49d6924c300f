import { meet, now, type Span } from './clock.ts'

/** How long after a fault all is as before: what is free, who answers, and whose lease is over. */
export const RECOVERY_MS = 3_000

/** How long Redis may be well again without being asked. */
const UNSEEN_MS = 1_000

/** What was done to a Redis or an app's process, and until when. */
export interface Trouble extends Span {
  readonly what: string
  /** The process that it was done to; undefined: Redis. */
  readonly member?: number
  /** Which Redis. */
  readonly where?: string
  /** Whether Redis lost what it kept. */
  readonly loses?: boolean
}

export interface Breach {
  readonly invariant: string
  readonly detail: string
  readonly at: number
}

interface Entry {
  readonly at: number
  readonly text: string
}

/** What happened, in its order, and what may be made of it. */
export interface History {
  readonly began: number
  readonly breaches: readonly Breach[]
  readonly faults: ReadonlyMap<string, number>
  note(text: string): void
  /** @param isExcused Asked at the end, when all is known */
  breach(invariant: string, detail: string, isExcused?: () => boolean): void
  /** @returns Ends it */
  trouble(what: string, about?: Pick<Trouble, 'member' | 'loses' | 'where'>): () => void
  /** Whether anything was wrong in this time, or had been less than RECOVERY_MS before. */
  isDisturbed(span: Span): boolean
  /** Whether Redis may have lost something in this time. */
  isLost(span: Span): boolean
  /** Whether a process was stopped or killed in this time. */
  isHeldUp(member: number, span: Span): boolean
  isAnyHeldUp(span: Span): boolean
  /** Whether Redis was in trouble in this time. */
  isAway(span: Span): boolean
  /** Whether this machine had no time for its processes: what they are late by is not theirs. */
  readonly stalls: readonly Span[]
  isStalled(span: Span): boolean
  stalled(span: Span): void
  /** For how long after this moment Redis was in trouble, or in one soon after another. */
  outageMs(from: number): number
  /** What was noted in this time. */
  between(span: Span): readonly Entry[]
}

export function createHistory(): History {
  const began = now()
  const entries: Entry[] = []
  const breaches: (Breach & { isExcused(): boolean })[] = []
  const troubles: { what: string; from: number; to: number; member?: number; loses?: boolean }[] = []
  const stalls: Span[] = []
  const faults = new Map<string, number>()

  function note(text: string): void {
    entries.push({ at: now(), text })
  }

  return {
    began,
    get breaches() {
      return breaches.filter(({ isExcused }) => !isExcused())
    },
    faults,
    stalls,
    note,

    breach(invariant, detail, isExcused = () => false) {
      breaches.push({ invariant, detail, at: now(), isExcused })
    },

    trouble(what, about = {}) {
      const trouble = { what, ...about, from: now(), to: Number.POSITIVE_INFINITY }
      troubles.push(trouble)
      faults.set(what, (faults.get(what) ?? 0) + 1)
      const whose = about.member === undefined ? ` at ${about.where}` : ` of process ${about.member}`
      note(`${what}${whose} begins`)
      return () => {
        trouble.to = now()
        note(`${what}${whose} is over`)
      }
    },

    isDisturbed: ({ from, to }) => [...troubles, ...stalls].some((each) => meet(each, { from: from - RECOVERY_MS, to })),
    isStalled: (span) => stalls.some((each) => meet(each, span)),
    stalled(span) {
      stalls.push(span)
      note(`the machine stood still for ${(span.to - span.from).toFixed(0)} ms`)
    },
    isLost: (span) => troubles.some((each) => each.loses === true && meet(each, span)),
    isHeldUp: (member, span) => troubles.some((each) => each.member === member && meet(each, span)),

    isAway: (span) => troubles.some((each) => each.member === undefined && meet(each, span)),
    isAnyHeldUp: (span) => troubles.some((each) => each.member !== undefined && meet(each, span)),

    outageMs(from) {
      let end = from
      for (const { member, ...each } of troubles) {
        if (member === undefined && each.from <= end + UNSEEN_MS && each.to >= end) end = each.to
      }
      return end - from
    },

    between: (span) => entries.filter(({ at }) => span.from <= at && at <= span.to),
  }
}
