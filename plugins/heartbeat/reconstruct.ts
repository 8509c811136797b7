import { agreed, type Reconstructed, type Remark, reconstruction } from 'ha-provision'
import type drbd from '../drbd/index.js'
import network, { addressesOf } from '../network/index.js'
import { hasFencing } from './compare.js'
import { type Nodes, probes } from './existing.js'
import { fromHaCf, mapValues, type Options, remaining } from './from-ha-cf.js'
import { fromHaresources, remainingGroup } from './from-haresources.js'
import { type HaCf, parseHaCf } from './ha-cf.js'
import { parseHaresources } from './haresources.js'
import { parseKeys, signing } from './key.js'
import { type Heartbeat, type Plan, paths, service } from './layout.js'
import { configFile } from './render.js'

/** An option that the nodes left open, for what is to be compared. */
const open: Heartbeat = {
  udpPort: 694,
  links: [],
  virtualIps: [],
  resources: [],
  autoFailback: false,
  keepaliveS: 1,
  warntimeS: 5,
  deadtimeS: 15,
  initdeadS: 60,
  stonith: [],
}
const settingsOf = (options: Partial<Options>): Heartbeat =>
  ({
    ...open,
    ...options,
    links: (options.links ?? []).map((link) => ({ type: 'ucast', group: '239.77.0.1', ...link })),
  }) as Heartbeat

/** What check finds about the key, at boot, and in the modes of files, however the config is written. */
function besideOf(nodes: Nodes, resources: readonly string[]): readonly string[] {
  const found: string[] = []
  const keys = mapValues(nodes, ({ files }) => parseKeys(files.key?.content))
  const signs = mapValues(keys, signing)
  for (const [
    node,
    {
      files,
      units,
      signs: { enabled },
    },
  ] of Object.entries(nodes)) {
    const key = signs[node]
    if (!key) found.push(`${node} has no key in ${paths.key}; check asks for one`)
    else if (key.method !== 'sha1') found.push(`${node} signs with ${key.method}; check asks for sha1`)
    if (key && (keys[node]?.keys.length ?? 0) > 1)
      found.push(`${paths.key} of ${node} has more keys beside the one that signs; check asks for that alone`)
    if (files.key && (files.key.mode !== '0600' || files.key.owner !== 'root:root'))
      found.push(`${paths.key} of ${node} is ${files.key.mode} ${files.key.owner}; check asks for 0600 root:root`)
    const { config } = files
    if (config && hasFencing(config.content) && !/^0[46]00$/.test(config.mode))
      found.push(`${paths.config} of ${node} has lines for fencing and mode ${config.mode}; check asks for 0600`)
    if (!files.agent) found.push(`${node} has no agent drbddisk; check asks for one`)
    const state = units[service]?.enabled
    if (state !== 'enabled') found.push(`${service} of ${node} is ${state || 'absent'}; check asks for enabled`)
    for (const unit of resources.map((words) => `${words.split('::')[0]}.service`))
      if (enabled.includes(unit) && unit !== service)
        found.push(`${unit} of ${node} starts at boot, and heartbeat starts it too; check asks for disabled`)
  }
  const [first, ...rest] = Object.values(signs)
  if (rest.some((own) => own && first && JSON.stringify(own) !== JSON.stringify(first)))
    found.push('the nodes have different keys, or numbers of keys; check asks for the one of home')
  return found
}

/** Writes the options from ha.cf and haresources. */
export const reconstruct = reconstruction({
  probes,
  build({ nodes, of }): Reconstructed<Options> {
    const sources = [
      { path: [], from: paths.config },
      ...['home', 'virtualIps', 'resources'].map((key) => ({ path: [key], from: paths.resources })),
    ]
    const remarks: Remark[] = []
    const contents = mapValues(nodes, ({ files }) => files.config?.content)
    if (Object.values(contents).every((content) => content === undefined)) return { sources, remarks }
    const without = Object.keys(contents).find((node) => contents[node] === undefined)
    if (without !== undefined) {
      const values = mapValues(contents, (content) => (content === undefined ? 'none' : paths.config))
      return { sources, remarks: [{ kind: 'differs', path: [], values }] }
    }
    const found: Record<string, HaCf> = mapValues(contents, (content) => parseHaCf(content ?? ''))
    for (const [node, { unreadable, crm }] of Object.entries(found)) {
      if (unreadable.length > 0)
        throw new Error(
          `${paths.config} of ${node} cannot be read: ${unreadable.map((line) => `"${line}"`).join(', ')}`,
        )
      if (crm)
        return {
          sources,
          remarks: [{ kind: 'other', path: [], why: `ha.cf of ${node} has crm on: Pacemaker has the resources` }],
        }
    }
    const names = Object.keys(nodes)
    const read: Plan['of'] = ((plugin: typeof network | typeof drbd) =>
      of(plugin) ?? (plugin.name === 'drbd' ? { primary: names[0], resources: {} } : { interfaces: {} })) as Plan['of']
    const at = { of: read, cluster: { nodes: names.map((name) => ({ name })) } }
    const made = fromHaCf(found, at)
    remarks.push(...made.remarks)
    const fencing = Object.entries(found).filter(([, { stonith }]) => stonith.length > 0)
    if (fencing.length > 0)
      remarks.push({
        kind: 'unknown',
        path: ['stonith'],
        why: `ha.cf of ${fencing.map(([node]) => node).join(' and ')} has stonith_host lines; they may hold passwords, so they are not written here, and they stay in ha.cf`,
      })

    const tables = agreed(
      mapValues(nodes, ({ files }) =>
        files.resources ? parseHaresources(files.resources.content).map(({ line }) => line) : ['none'],
      ),
    )
    const content = Object.values(nodes)[0]?.files.resources?.content ?? ''
    const signs = Object.values(nodes)
    const group =
      'values' in tables
        ? undefined
        : fromHaresources(content, at, {
            ownAgents: signs.flatMap((own) => own.signs.ownAgents),
            db2: signs.some((own) => own.signs.db2),
          })
    if ('values' in tables) remarks.push({ kind: 'differs', path: ['resources'], values: tables.values })
    remarks.push(...(group?.remarks ?? []))
    const options = { ...made.options, ...group?.options } as Options

    const plan: Plan = {
      ...at,
      settings: settingsOf(options),
      offered: (name) => (name === 'cluster-resource' ? (group?.offered ?? []).map((words) => ({ words })) : []),
    }
    const other = (why: string) => remarks.push({ kind: 'other', path: [], why })
    const desired = parseHaCf(configFile(plan))
    const isTold = (what: string) => {
      const option = { links: 'links', auto_failback: 'autoFailback' }[what] ?? `${what}S`
      const own = remarks.filter(({ path }) => path[0] === option || (what === 'links' && path[0] === 'udpPort'))
      return own.some(({ kind }) => kind === 'other' || kind === 'differs')
    }
    for (const [node, file] of Object.entries(found))
      for (const what of remaining(desired, file, addressesOf(read(network), node)))
        if (!isTold(what)) other(`ha.cf of ${node} says something about ${what} that no config says; check finds it`)
    if (group)
      for (const why of remainingGroup(plan, content)) remarks.push({ kind: 'other', path: ['resources'], why })
    for (const why of besideOf(nodes, options.resources ?? [])) other(why)
    return { options, sources, remarks, ...(group ? { leftTo: group.leftTo } : {}) }
  },
  untraced: {
    authKey: 'a secret is not written into a config; the key that the nodes have stays',
    authKeyFile: 'as authKey',
    stonith: 'its lines may hold passwords; those that ha.cf has stay',
  },
})
