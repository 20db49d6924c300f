import { createHash } from 'node:crypto'
import { epilogue, prelude } from './script-frame.ts'
import { HASH_STATE, PUBLISH, STRING_STATE, VALUE } from './script-state.ts'

/** A script as Redis knows it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

/** What of an operation its script is made of. */
export interface ScriptSource {
  readonly lua: string
  readonly luaPrelude?: string
  readonly state?: 'hash' | 'string'
  readonly value?: boolean
}

/** The script of an operation: its body, inside the functions that are defined for it, run for one subject after the other. */
export function scriptOf(operation: ScriptSource): Script {
  const known = scripts.get(operation)
  if (known !== undefined) return known
  const { state, value = false, luaPrelude = '', lua: step } = operation
  const given = PUBLISH + (state === 'string' ? STRING_STATE : HASH_STATE) + (value ? VALUE : '')
  const own = `${luaPrelude}\n${body(step)}`
  const lua = [
    prelude(state !== 'string' || /\bnow\b/.test(own)),
    `local values, value_key = ${value ? 1 : 0}, nil`,
    functionsFor(own, given),
    own,
    epilogue(state === 'string'),
  ].join('\n')
  const script = byLua.get(lua) ?? { lua, sha: createHash('sha1').update(lua).digest('hex') }
  byLua.set(lua, script)
  scripts.set(operation, script)
  return script
}

const scripts = new WeakMap<ScriptSource, Script>()
/** Operations of the same Lua are one script, so that their steps go together. */
const byLua = new Map<string, Script>()

/** Of the functions that are given, each made of those before it, the ones that `lua` needs: Redis makes them anew for every call. */
function functionsFor(lua: string, given: string): string {
  let needed = ''
  const definitions = given.trim().split(/\n(?=local function )/)
  for (const definition of definitions.toReversed()) {
    const [, name = ''] = /^local function (\w+)/.exec(definition) ?? []
    if (new RegExp(`\\b${name}\\b`).test(needed + lua)) needed = `${definition}\n${needed}`
  }
  return needed
}

function body(lua: string): string {
  return `local function step(KEYS, ARGV)\n${lua}\nend\n`
}
