export type { BodyForm, Captured, CaptureMode, CompleteResponse, HoldOptions, ResponseHead, TeeOptions } from './captured.ts'
export type { Exchange, Handler, HttpResponse, Next } from './exchange.ts'
export { createRequestNotes, type RequestNotes } from './request-notes.ts'
