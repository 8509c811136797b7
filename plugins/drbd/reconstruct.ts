import { type OptionPath, type Probe, type Remark, reconstruction, units } from 'ha-provision'
import network from '../network/index.js'
import storage from '../storage/index.js'
import { type ConfFact, confProbe } from './dump.js'
import { haresources, homesOf, signProbes } from './filesystem-signs.js'
import { resourceFile } from './layout.js'
import { type Meaning, minorsOf, resourcesOf, usageCountOf } from './meaning.js'
import { mergeResource, type ResourceInput } from './merge.js'
import { placeOf } from './place.js'
import { drbdProbe, majorOf } from './status.js'

/** What drbdadm refuses cannot be read: half of a configuration would be taken for the whole. */
const conf: Probe<ConfFact> = {
  ...confProbe,
  parse(output) {
    const fact = confProbe.parse(output)
    if (fact.refused !== undefined && fact.main !== undefined)
      throw new Error(`drbdadm refuses ${fact.main}: ${fact.refused}; drbdadm dump says more`)
    return fact
  },
}

const probes = { ...signProbes, conf, drbd: drbdProbe, units: units('drbd.service') }
type Facts = { readonly [K in keyof typeof probes]: ReturnType<(typeof probes)[K]['parse']> }
type Nodes = Readonly<Record<string, Facts>>

/** The node whose data counts, and the signs that say so. */
function primaryOf(nodes: Nodes, minors: readonly number[]): { readonly primary: string; readonly why: string } {
  const names = Object.keys(nodes)
  const only = (found: readonly string[]) => (found.length === 1 ? found[0] : undefined)
  const statesOf = (node: string) => minors.flatMap((minor) => nodes[node]?.drbd.minors[minor] ?? [])
  const good = only(names.filter((node) => statesOf(node).some(({ disk }) => disk === 'UpToDate')))
  if (good) return { primary: good, why: 'only its side is UpToDate' }
  const home = only([...new Set(Object.values(nodes).flatMap(homesOf))])
  // Who is Primary at the moment changes with every takeover; where the service is at home does not.
  if (home && names.includes(home)) return { primary: home, why: `${haresources} has the service at home there` }
  const now = only(names.filter((node) => statesOf(node).some(({ role }) => role === 'Primary')))
  if (now) return { primary: now, why: 'it is Primary now' }
  return { primary: names[0] ?? '', why: 'nothing says which; it is the node that was named first' }
}

/** What `check` would find on these nodes however the config is written. */
const besideOf = ({ conf: { conf: said, secrets }, units: services }: Facts): readonly string[] => {
  const count = said && usageCountOf(said)
  const { enabled } = services['drbd.service']
  return [
    ...(count === 'no' ? [] : [`usage-count is ${count ?? 'not said'}; check asks for no`]),
    ...(enabled === 'enabled'
      ? []
      : [`drbd.service is ${enabled || 'absent'}; check asks for enabled, so that resources come up at boot`]),
    ...secrets
      .filter(({ mode }) => mode !== '0600' && mode !== '0400')
      .map(({ mode, path }) => `${path} holds a key and has mode ${mode}; check asks for 0600`),
  ]
}

/** Writes the options from what drbdadm, the kernel and the signs of a cluster manager say. */
export const reconstruct = reconstruction({
  probes,
  build({ nodes, of }) {
    const remarks: Remark[] = []
    const sources: { readonly path: OptionPath; readonly from: string }[] = [{ path: [], from: 'drbdadm dump' }]
    const resources: Record<string, ResourceInput> = {}
    const read = Object.entries(nodes).map(([node, facts]) => ({
      node,
      own: facts.conf.conf ? resourcesOf(facts.conf.conf) : {},
    }))
    for (const name of new Set(read.flatMap(({ own }) => Object.keys(own)))) {
      const meanings: Record<string, Meaning> = {}
      for (const { node, own } of read) if (own[name]) meanings[node] = own[name]
      for (const [node, { from = '' }] of Object.entries(meanings))
        if (from !== '' && from.replace(/:\d+$/, '') !== resourceFile(name))
          sources.push({ path: ['resources', name], from: `drbdadm dump (${node}: ${from})` })
      const hosts = Object.values(meanings).flatMap((meaning) => Object.values(meaning.hosts))
      const made = mergeResource(name, meanings, {
        nodes: Object.keys(nodes),
        major: Math.max(...Object.values(nodes).map(({ drbd }) => majorOf(drbd))),
        network: of(network),
        volumes: of(storage)?.volumes,
      })
      remarks.push(...made.remarks)
      if (!made.options) continue
      const disks = hosts.flatMap(({ disk }) => disk ?? [])
      const { options: filesystem, ...place } = placeOf({ name, minor: made.options.minor, disks }, nodes)
      remarks.push(...place.remarks)
      sources.push(...place.sources)
      resources[name] = { ...made.options, ...(filesystem ? { filesystem } : {}) }
    }
    const minors = Object.values(nodes).flatMap((facts) => (facts.conf.conf ? minorsOf(facts.conf.conf) : []))
    for (const [node, { drbd }] of Object.entries(nodes))
      for (const minor of Object.keys(drbd.minors).filter((own) => !minors.includes(Number(own)))) {
        const why = `${node}: /dev/drbd${minor} is up and no configuration describes it`
        remarks.push({ kind: 'other', path: ['resources'], why })
      }
    if (read.some(({ own }) => Object.keys(own).length > 0))
      for (const [node, facts] of Object.entries(nodes))
        for (const why of besideOf(facts)) remarks.push({ kind: 'other', path: [], why: `${node}: ${why}` })
    if (Object.keys(resources).length === 0) return { sources, remarks }
    const { primary, why } = primaryOf(nodes, minors)
    remarks.push({ kind: 'inferred', path: ['primary'], why })
    return { options: { primary, resources }, sources, remarks }
  },
  untraced: {
    'resources.*.initialSync':
      'how the first sync was made is in no file, and once both sides are equal it does not matter',
  },
})
