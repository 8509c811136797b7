import { type CommandIo, given, type PluginCommand, sh } from 'ha-provision'
import type { At, Backup, Reads } from './layout.js'
import { paths } from './tools/native.js'
import type { Key } from './tools/tool.js'

type Io = At & CommandIo

const drillS = 12 * 3600

/** Keys that the word of a person means: `DATABASE` or `INSTANCE/DATABASE`. */
const meant = (word: string, covered: readonly Key[]): readonly Key[] => {
  const [database = '', instance] = word.split('/').reverse()
  return covered.filter((key) => {
    const [owner, name] = key.split('/')
    return name === database.toUpperCase() && (instance === undefined || owner === instance)
  })
}

async function drill(io: Io, key: Key): Promise<number> {
  const [instance = '', database = ''] = key.split('/')
  for (const { name } of io.cluster.nodes) {
    io.say(`${name}: restoring ${key} under another name, beside the live one`)
    const command = given(sh`${paths.program} drill ${instance} ${database}`, { timeoutS: drillS })
    const { code, stdout, stderr } = await io.on(name, command)
    if (code === 3) continue
    for (const line of stdout.split('\n')) if (line !== '') io.print(line)
    for (const line of stderr.split('\n')) if (line !== '') io.say(`${name}: ${line}`)
    return code === 0 ? 0 : 1
  }
  io.say(`${instance} is active on no node`)
  return 1
}

/** `restore-drill DATABASE` */
export const drillCommand: PluginCommand<Backup, Reads> = {
  usage: 'restore-drill <database>',
  description: 'restore the newest backup of DATABASE under another name, compare its rows, drop it again',
  async run(io) {
    const [word = ''] = io.args
    if (io.settings.tool !== 'db2-native') {
      io.say(`backup.tool is "${io.settings.tool}": a drill is that tool's own matter`)
      return 2
    }
    const covered = new Set<Key>()
    for (const { name } of io.cluster.nodes) {
      const { code, stdout, stderr } = await io.on(name, sh`${paths.program} covered`)
      if (code !== 0) {
        io.say(`${name}: its covered databases cannot be listed (exit ${code}): ${stderr.trim()}`)
        return 1
      }
      for (const line of stdout.split('\n')) if (line !== '') covered.add(line)
    }
    const [key, ...more] = meant(word, [...covered].sort())
    if (key === undefined) {
      io.say(`no such database in a backup: ${word}; known: ${[...covered].sort().join(', ') || 'none'}`)
      return 2
    }
    if (more.length > 0) {
      io.say(`${word} is the name of several: ${[key, ...more].join(', ')}; say which`)
      return 2
    }
    return await drill(io, key)
  },
}
