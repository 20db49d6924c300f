/** What middlewares of a package note on a request, for those behind them. */
export interface RequestNotes<Note> {
  /** What was noted on it so far, in turn. */
  on(native: object): readonly Note[]
  add(native: object, note: Note): void
}

/** @param name A symbol's in the global registry: a second copy of a package finds the notes of the first as well */
export function createRequestNotes<Note>(name: string): RequestNotes<Note> {
  const key: unique symbol = Symbol.for(name)
  type Request = object & { [key]?: Note[] }

  return {
    on(native) {
      const { [key]: notes }: Request = messageOf(native)
      return notes ?? NONE
    },
    add(native, note) {
      const request: Request = messageOf(native)
      const notes = request[key]
      if (notes === undefined) request[key] = [note]
      else notes.push(note)
    },
  }
}

const NONE: readonly never[] = []

/** The request that what a framework hands to its handlers is about: what stands in front of Koa has it at hand as well. */
function messageOf(native: object): object {
  const { req }: { readonly req?: unknown } = native
  return typeof req === 'object' && req !== null ? req : native
}
