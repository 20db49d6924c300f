import { Head } from '../node/capture/head.ts'

/** The head of a response whose body Koa makes of its status: the type is Koa's to set, unless a middleware in front finds a body. */
export class MessageHead extends Head {
  override get rawHeaders(): string[] {
    const others = super.rawHeaders.filter((_, index, all) => all[index - (index % 2)]?.toLowerCase() !== 'content-type')
    return [...others, 'Content-Type', TEXT]
  }

  override getHeader(name: string): string | undefined {
    return name.toLowerCase() === 'content-type' ? TEXT : super.getHeader(name)
  }
}

const TEXT = 'text/plain; charset=utf-8'
