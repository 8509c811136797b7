import { existsSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { cosmiconfig, type Loader } from 'cosmiconfig'
import { type Document, LineCounter, parseDocument } from 'yaml'
import { errors, KnownError, type LocatedFault, reasonOf } from '../errors.js'

export interface LoadedConfig {
  /** Absolute path. */
  readonly file: string
  readonly config: unknown
  /** Where an option stands in a YAML or JSON file; undefined for scripts. */
  locate(path: readonly (string | number)[]): { line: number; column: number } | undefined
}

const names = ['ts', 'mts', 'cts', 'js', 'mjs', 'cjs', 'yaml', 'yml', 'json'].map((end) => `ha.config.${end}`)
export const searchPlaces: readonly string[] = [...names, ...names.map((name) => `.config/${name}`), 'package.json']

/** jiti's own default is a predictable folder under /tmp, which lets others plant code. */
async function scriptCache(): Promise<string | false> {
  const dir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ha-provision', 'jiti')
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    return statSync(dir).uid === process.getuid?.() ? dir : false
  } catch {
    return false
  }
}

/** The default export of a TypeScript or JavaScript module; `ha-provision` in it is this very program, wherever it is installed. */
export async function importScript(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  const self = createRequire(import.meta.url).resolve('ha-provision')
  const jiti = createJiti(import.meta.url, {
    alias: { 'ha-provision': self },
    fsCache: await scriptCache(),
    interopDefault: true,
  })
  const value = await jiti.import(file, { default: true })
  // Without a default export jiti gives the whole module.
  return typeof value === 'object' && value !== null && '__esModule' in value ? undefined : value
}

function yamlFaults(document: Document.Parsed, file: string): readonly LocatedFault[] {
  return document.errors.map(({ code, message, linePos }) => ({
    path: '',
    message:
      code === 'MULTIPLE_DOCS'
        ? 'a second document begins'
        : (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, ''),
    hint:
      code === 'MULTIPLE_DOCS'
        ? 'one file is one config: remove the line `---`'
        : `correct the ${/json$/.test(file) ? 'JSON' : 'YAML'} syntax at this place`,
    file,
    ...(linePos ? { line: linePos[0].line, column: linePos[0].col } : {}),
  }))
}

export async function loadConfig({
  cwd,
  file,
}: {
  readonly cwd: string
  readonly file?: string | undefined
}): Promise<LoadedConfig> {
  const parsed = new Map<string, { document: Document.Parsed; counter: LineCounter }>()
  const text: Loader = (path, content) => {
    const counter = new LineCounter()
    const document = parseDocument(content, { lineCounter: counter })
    if (document.errors.length > 0) throw errors.config(yamlFaults(document, relative(cwd, path)))
    parsed.set(path, { document, counter })
    try {
      // cosmiconfig takes null for "no config here"; an empty file is a config that lacks everything.
      return document.toJS() ?? {}
    } catch (error) {
      throw errors.config([{ path: '', message: reasonOf(error), hint: 'correct it', file: relative(cwd, path) }])
    }
  }
  const script: Loader = async (path) => {
    const config = await importScript(path).catch((error: unknown) => {
      throw errors.configThrew(relative(cwd, path), reasonOf(error))
    })
    if (config === undefined) throw errors.configThrew(relative(cwd, path), 'it has no default export')
    return config
  }
  const scripts = Object.fromEntries(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'].map((end) => [end, script]))
  const explorer = cosmiconfig('ha-provision', {
    searchPlaces: [...searchPlaces],
    // Never upwards: a config is code, and a parent folder can be somebody else's.
    searchStrategy: 'none',
    ignoreEmptySearchPlaces: false,
    loaders: { ...scripts, '.yaml': text, '.yml': text, '.json': text, noExt: text },
  })
  // Taking the first would work on the nodes of a config that nobody meant.
  const several = names.filter((name) => existsSync(join(cwd, name)))
  if (file === undefined && several.length > 1) throw errors.severalConfigs(relative('', cwd) || cwd, several)
  const found = await (file === undefined
    ? explorer.search(cwd)
    : explorer.load(join(dirname(file) === '.' ? cwd : '', file))
  ).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof KnownError) throw error
    throw errors.configUnreadable(file ?? cwd, error.message)
  })
  if (!found) throw errors.noConfig(cwd, names.slice(0, 7).concat('package.json'))
  const key = basename(found.filepath) === 'package.json' ? ['ha-provision'] : []
  return {
    file: found.filepath,
    config: found.config ?? {},
    locate(below) {
      const path = [...key, ...below]
      const source = parsed.get(found.filepath)
      if (!source) return undefined
      // The nearest place that exists: a missing option is reported where it should stand.
      for (let length = path.length; length >= 0; length--) {
        const node = source.document.getIn(path.slice(0, length), true) as
          | { range?: [number, number, number] }
          | undefined
        if (node?.range) {
          const { line, col } = source.counter.linePos(node.range[0])
          return { line, column: col }
        }
      }
      return undefined
    },
  }
}
