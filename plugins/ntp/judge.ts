import { type Finding, finding } from 'ha-provision'
import network, { addressesOf } from '../network/index.js'
import { head, type Role, type TimeDaemon } from './daemons.js'
import type { Files } from './files.js'
import { aliasesOf, type Meaning, mayAsk, sameText, someMayAsk, type TimeSource } from './meaning.js'
import { type At, daemonOf, roleOf, sourceOf, subnetsOf } from './roles.js'

export type ConfigFinding = Finding<'config-file' | 'other-settings'>

/** Our file, once we wrote it. What is in it is ours alone. */
export const ownFile = ({ config, isDropIn }: TimeDaemon, files: Files): string | undefined => {
  const content = files.get(config)?.content
  return content !== undefined && (isDropIn || content.startsWith(head)) ? content : undefined
}

/** Whether a daemon that has a main file reads ours. */
const isIncluded = ({ include }: TimeDaemon, files: Files): boolean => {
  const main = include?.mains.find((path) => files.has(path))
  return !include || main === undefined || include.present.test(files.get(main)?.content ?? '')
}

/** Names and addresses of the nodes, which may ask each other whatever else they ask. */
const nodeNames = (at: At): ReadonlySet<string> =>
  new Set(at.cluster.nodes.flatMap(({ name }) => [name, ...(at.of(network) ? addressesOf(at.of(network), name) : [])]))

/** Sources that the settings do not have, in files of an administrator. One node that serves the other may well have better ones. */
function surplus(at: At, meaning: Meaning, files: Files): readonly TimeSource[] {
  const { servers, pools } = at.settings
  if (sourceOf(at) !== undefined) return []
  const nodes = nodeNames(at)
  const aliases = aliasesOf(files)
  return meaning.sources.filter(
    ({ kind, address, weak }) =>
      !weak &&
      kind !== 'peer' &&
      !aliases(address).some((name) => nodes.has(name) || (kind === 'pool' ? pools : servers).includes(name)),
  )
}

/** Whether a configuration does all that the role asks. */
function does(at: At, node: string, role: Role, meaning: Meaning, files: Files): boolean {
  const aliases = aliasesOf(files)
  const asked = (kind: TimeSource['kind']) =>
    new Set(meaning.sources.filter((one) => one.kind === kind).flatMap(({ address }) => aliases(address)))
  const servers = asked('server')
  const pools = asked('pool')
  const source = sourceOf(at)
  if (role.close) {
    // Over one link is enough where an administrator chose it; ours asks over each.
    const names = [...role.servers, ...(source ? [source] : [])]
    if (!names.some((server) => servers.has(server))) return false
  } else if (!role.servers.every((server) => servers.has(server))) return false
  if (!(role.pools ?? []).every((pool) => pools.has(pool))) return false
  if (role.local && !meaning.local) return false
  const links = source === node ? subnetsOf(at.of(network)) : []
  if (links.length > 0 && !links.some((net) => someMayAsk(meaning.access, net))) return false
  return at.settings.allow.every((net) => mayAsk(meaning.access, net))
}

/** The text with some lines commented out, and with those that continue them. */
function without(text: string, lines: ReadonlySet<number>): string {
  let isContinued = false
  return text
    .split('\n')
    .map((line, at) => {
      const isOut = isContinued || lines.has(at)
      isContinued = isOut && line.endsWith('\\')
      return isOut ? `# not in the config of ha-provision: ${line.replace(/\\$/, '')}` : line
    })
    .join('\n')
}

/** Where a node's configuration does not do what the settings say, compared by what it does. */
export function configFindings(at: At, node: string, files: Files): readonly ConfigFinding[] {
  const daemon = daemonOf(at)
  const { config, include, render, read, isDropIn } = daemon
  const role = roleOf(at, node)
  const desired = render(role)
  const own = ownFile(daemon, files)
  const meaning = read(files)
  const extra = surplus(at, meaning, files).filter(({ line }) => own === undefined || line.path !== config)
  const isDone =
    own === undefined
      ? does(at, node, role, meaning, files) && (isDropIn || extra.length === 0)
      : sameText(own, desired)
  const found: ConfigFinding[] = []
  const actual = files.get(config)?.content ?? ''
  if (!isDone) {
    // A whole file of somebody else is replaced only where nothing gets lost that the config cannot say.
    const lost = own === undefined && !isDropIn ? unsaid(at, meaning) : []
    if (lost.length > 0)
      found.push(finding('other-settings', { subject: config, desired, actual, note: lost.join('; ') }))
    else found.push(finding('config-file', { subject: config, desired, actual }))
  }
  if (isDropIn || own !== undefined)
    for (const path of new Set(extra.map(({ line }) => line.path))) {
      const text = files.get(path)?.content ?? ''
      const lines = new Set(extra.filter(({ line }) => line.path === path).map(({ line }) => line.at))
      found.push(finding('config-file', { subject: path, desired: without(text, lines), actual: text }))
    }
  const main = include?.mains.find((path) => files.has(path))
  if (include && main && (own !== undefined || !isDone) && !isIncluded(daemon, files)) {
    const earlier = found.find(({ subject }) => subject === main)
    const text = String(earlier?.desired ?? files.get(main)?.content ?? '')
    const both = finding('config-file', {
      subject: main,
      desired: `${text.replace(/\n*$/, '\n')}${include.line}\n`,
      actual: files.get(main)?.content ?? '',
    })
    return [...found.filter((one) => one !== earlier), both]
  }
  return found
}

/** Settings of an ntp.conf that is not ours and that our file would not have. */
function unsaid(at: At, meaning: Meaning): readonly string[] {
  const sources = sourceOf(at) === undefined ? [] : meaning.sources.filter(({ weak }) => !weak)
  const nodes = nodeNames(at)
  const upstream = sources.filter(({ address }) => !nodes.has(address))
  const peers = meaning.sources.filter(({ kind }) => kind === 'peer')
  return [...new Set([...meaning.others, ...[...upstream, ...peers].map(({ line }) => line)])].map(({ words }) =>
    words.join(' '),
  )
}
