/** What a store keeps with an object, beside the object's own fields, for as long as that is there. */
export interface Notes<Note> {
  get(of: object): Note | undefined
  /** An object that is frozen has none. */
  set(of: object, note: Note): void
}

/** On the object itself: by a weak map, what belongs to one request would outlive collections of the heap. */
export function createNotes<Note>(): Notes<Note> {
  const name = Symbol('note')
  return {
    get: (of) => Reflect.get(of, name) as Note | undefined, // nobody else has this symbol
    set: (of, value) => void Reflect.defineProperty(of, name, { value, configurable: true }),
  }
}
