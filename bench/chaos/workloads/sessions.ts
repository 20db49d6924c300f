import { randomUUID } from 'node:crypto'
import { now } from '../clock.ts'
import type { Member } from '../members.ts'
import type { Answer, World } from '../world.ts'
import type { Workload } from './workload.ts'

const BOUND_MS = 3_500
const MOST_DEAD = 100

interface Session {
  readonly kind: 'plain' | 'user'
  readonly framework: Member['framework']
  readonly user: string
  readonly cookie: string
  readonly began: number
  /** What was stored, by its answer. */
  readonly fields: Set<string>
  /** Times it was counted, by their answers, and at the most. */
  counted: number
  asked: number
}

/** No update is lost that was stored, and who has logged out is never logged in again. */
export function createSessions({ ask, history, members, random }: World): Workload {
  const dead: Session[] = []

  function send(path: string, { kind, framework, cookie }: Pick<Session, 'kind' | 'framework' | 'cookie'>): Promise<Answer> {
    const member = random.oneOf(members.filter((each) => each.framework === framework))
    const method = path === '/' ? 'GET' : 'POST'
    return ask({ workload: 'sessions', member, path: `/session/${kind}${path}`, method, headers: { cookie }, boundMs: BOUND_MS })
  }

  async function logIn(about: Pick<Session, 'kind' | 'framework' | 'user'>): Promise<Session | undefined> {
    const began = now()
    const { status, headers } = await send(`/log-in?user=${about.user}`, { ...about, cookie: '' })
    const cookie = headers.getSetCookie().map((each) => each.split(';', 1)[0])
    return status === 200 ? { ...about, cookie: cookie.join('; '), began, fields: new Set(), counted: 0, asked: 0 } : undefined
  }

  async function write(session: Session): Promise<void> {
    const field = `f${randomUUID().slice(0, 8)}`
    const { status, fields, span } = await send(`/write?field=${field}`, session)
    if (status !== 200) return
    if (isThere(session, fields, span.to)) session.fields.add(field)
  }

  async function count(session: Session): Promise<void> {
    session.asked += 1
    const { status, fields, span } = await send('/count', session)
    if (status === 200 && isThere(session, fields, span.to)) session.counted += 1
  }

  /** Whether it is the session: nobody has ended it. */
  function isThere(session: Session, fields: Answer['fields'], at: number): boolean {
    const { kind, framework, user, began } = session
    if (fields['user'] === user) return true
    if (!history.isLost({ from: began, to: at })) {
      history.breach('no session is lost', `${framework}, ${kind}, of ${user}: ${JSON.stringify(fields)}`)
    }
    return false
  }

  async function read(session: Session): Promise<void> {
    const { kind, framework, user, began } = session
    const [stored, counted] = [[...session.fields], session.counted]
    const { status, fields, span } = await send('/', session)
    if (status !== 200 || !isThere(session, fields, span.to)) return
    if (history.isLost({ from: began, to: span.to })) return
    const lost = stored.filter((field) => fields[field] !== true)
    const count = Number(fields['count'] ?? 0)
    if (lost.length === 0 && count >= counted && count <= session.asked) return
    const detail = `lost ${lost.join(', ')}; counted ${count}, not ${counted} to ${session.asked}`
    history.breach('no update is lost', `${framework}, ${kind}, of ${user}: ${detail}`)
  }

  /** While another request is at work. */
  async function logOut(sessions: readonly Session[]): Promise<void> {
    const [session] = sessions
    if (session === undefined) return
    const everywhere = session.kind === 'user' && random.chance(0.5)
    const atWork = send(`/write?field=late`, session)
    const { status } = await send(everywhere ? `/log-out-everywhere?user=${session.user}` : '/log-out', session)
    const ended = everywhere ? sessions : [session]
    if (status === 200) dead.push(...ended)
    if (status === 200) await Promise.all(ended.map(seeDead))
    await atWork
    if (status === 200) await Promise.all(ended.map(seeDead))
  }

  async function seeDead(session: Session): Promise<void> {
    const { kind, framework, user } = session
    const { status, fields } = await send('/', session)
    if (status === 200 && fields['user'] !== undefined) {
      history.breach('who has logged out stays so', `${framework}, ${kind}, of ${user}: ${JSON.stringify(fields)}`)
    }
  }

  return {
    name: 'sessions',
    clients: 6,

    async visit() {
      const about = {
        kind: random.oneOf(['plain', 'user'] as const),
        framework: random.oneOf(members).framework,
        user: randomUUID(),
      }
      const all = await Promise.all([logIn(about), logIn(about)])
      const sessions = all.filter((each) => each !== undefined)
      for (let rounds = random.whole(1, 4); rounds > 0; rounds -= 1) {
        await Promise.all(sessions.flatMap((session) => [write(session), write(session), count(session), read(session)]))
        await Promise.all(sessions.map(read))
      }
      await logOut(sessions)
      if (dead.length > 0) await seeDead(random.oneOf(dead))
    },

    async rest() {
      await Promise.all(dead.map(seeDead))
      dead.splice(0, dead.length - MOST_DEAD)
    },
  }
}
