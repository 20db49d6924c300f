export type { Exchange, Handler, HttpResponse } from './exchange.ts'
