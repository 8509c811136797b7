import { type Probe, packages, type Remark, reconstruction } from 'ha-provision'
import network from '../network/index.js'
import { packageManager } from '../packages/index.js'
import { daemons, type TimeDaemon } from './daemons.js'
import { confFiles, type Files } from './files.js'
import { configFindings } from './judge.js'
import { changedSince, timesProbe, type UnitState, unitsProbe } from './probes.js'
import { type Said, saidBy, settingsOf } from './recognise.js'
import type { At, Ntp } from './roles.js'
import { isOf, otherFindings, serviceFindings } from './service.js'

const mains = daemons.flatMap((daemon) => [...daemon.mains, daemon.config])

/** A systemctl that says nothing of any unit is no node without a daemon. */
const units: Probe<readonly UnitState[]> = {
  ...unitsProbe,
  parse(output) {
    if (!/^Id=/m.test(output.stdout))
      throw new Error(`systemctl show says nothing of any unit: ${output.stderr.trim() || `exit code ${output.code}`}`)
    return unitsProbe.parse(output)
  },
}

const names = daemons.flatMap((daemon) => Object.values(daemon.package))
const probes = {
  units,
  files: confFiles(mains),
  times: timesProbe([...new Set(daemons.flatMap((daemon) => daemon.units))], mains),
  manager: packageManager,
  packages: packages(...new Set(names)),
}
type Facts = { readonly [K in keyof typeof probes]: ReturnType<(typeof probes)[K]['parse']> }
type Nodes = Readonly<Record<string, Facts>>
type Options = { -readonly [K in keyof Ntp]?: Ntp[K] }

/** The daemon of a unit by its own name: ntpsec answers to ntp and ntpd as well. */
function daemonOfUnit({ names: [id = ''] }: UnitState, files: Files): TimeDaemon | undefined {
  const all = daemons.filter((daemon) => daemon.units.includes(id))
  return all.find(({ config }) => files.has(config)) ?? all[0]
}

/** The unit that keeps the time: the one that runs, else the one that would at boot. */
const keeperOf = (all: readonly UnitState[]): UnitState | undefined =>
  all.find(({ active, enabled }) => active && enabled) ??
  all.find(({ active }) => active) ??
  all.find(({ enabled }) => enabled)

/** What check will find on a node that has these options, in words. */
function differences(at: At, node: string, daemon: TimeDaemon, facts: Facts): readonly string[] {
  const unit = facts.units.find((own) => isOf(daemon, own))
  const paths = [...daemon.read(facts.files).paths, daemon.config]
  const changed = changedSince(facts.times, daemon.units).filter((path) => paths.includes(path))
  const wanted = facts.manager && daemon.package[facts.manager.name]
  return [
    ...otherFindings(daemon, facts.units).map(
      ({ subject, actual }) => `${subject} is ${actual}; check asks for one daemon`,
    ),
    ...(unit ? serviceFindings(unit, changed) : []).map(
      ({ subject, actual, desired }) => `${subject} is ${actual}; check asks for ${desired}`,
    ),
    ...configFindings(at, node, facts.files).map(
      ({ id, subject, note }) =>
        `${subject} does not do all that the options say, or more${id === 'other-settings' ? `; check refuses to replace it because of: ${note}` : ''}`,
    ),
    ...(facts.manager && wanted && !facts.packages[wanted]
      ? [`the package ${wanted} is not installed, as ${facts.manager.name} knows it; check asks for it`]
      : []),
  ]
}

/** Settings that no option says, and sources beside those that the options name: they stay. */
function aside(node: string, { beside, lines }: Said): readonly Remark[] {
  const others = [...new Set([...lines, ...beside.map(({ line }) => line)])]
  const text = others.map(({ path, words }) => `${node}: ${path}: ${words.join(' ')}`)
  return [...new Set(text)].map((why) => ({ kind: 'other', path: [], why: `${why} – no option says it` }))
}

/** Writes the options from the daemon that runs and the configuration that it reads. */
export const reconstruct = reconstruction({
  probes,
  build({ nodes, of }) {
    const remarks: Remark[] = []
    const keepers = Object.entries(nodes as Nodes).map(([node, facts]) => {
      const unit = keeperOf(facts.units)
      const daemon = unit && daemonOfUnit(unit, facts.files)
      if (unit && !daemon)
        remarks.push({ kind: 'other', path: [], why: `${node}: ${unit.names[0]} keeps the time; no option says it` })
      for (const {
        names: [idle],
        active,
        enabled,
      } of facts.units)
        if (!unit && !active && !enabled)
          remarks.push({
            kind: 'other',
            path: [],
            why: `${node}: ${idle} is installed, and neither running nor enabled`,
          })
      return { node, facts, daemon, unit }
    })
    const from = 'systemctl show'
    const there = keepers.flatMap(({ daemon, ...rest }) => (daemon ? [{ ...rest, daemon }] : []))
    const [first] = there
    if (!first) return { sources: [{ path: [], from }], remarks }
    const made: Options = {}
    if (keepers.every(({ daemon }) => daemon === first.daemon)) made.daemon = first.daemon.name as Ntp['daemon']
    else {
      const values = Object.fromEntries(
        keepers.map(({ node, daemon, unit }) => [node, daemon?.name ?? unit?.names[0] ?? 'none']),
      )
      remarks.push({ kind: 'differs', path: ['daemon'], values })
    }
    const said = Object.fromEntries(there.map(({ node, daemon, facts }) => [node, saidBy(daemon, facts.files)]))
    const found = settingsOf(Object.keys(nodes), said, of(network))
    Object.assign(made, found.options)
    remarks.push(...found.remarks, ...Object.entries(found.said).flatMap(([node, one]) => aside(node, one)))
    const daemon = made.daemon
    if (!remarks.some(({ kind }) => kind === 'differs') && daemon) {
      const settings: Ntp = { servers: [], pools: [], allow: [], maxOffsetMs: 500, ...made, daemon }
      const cluster = { nodes: Object.keys(nodes).map((name) => ({ name })) }
      const at = { settings, cluster, of } as unknown as At
      // Without a network there are no links to serve over, and no role to compare with.
      if (of(network) || settings.servers.length + settings.pools.length > 0)
        for (const { node, facts } of there)
          for (const why of differences(at, node, first.daemon, facts))
            remarks.push({ kind: 'other', path: [], why: `${node}: ${why}` })
    }
    const paths = [...new Set(Object.values(found.said).flatMap(({ meaning }) => meaning.paths))]
    const read = paths.length > 0 ? paths.join(', ') : first.daemon.config
    return {
      options: made,
      sources: [
        { path: [], from: read },
        { path: ['daemon'], from: `${from} ${[...new Set(there.map(({ unit }) => unit?.names[0]))].join(' ')}` },
      ],
      remarks,
    }
  },
  untraced: { maxOffsetMs: 'how far off is too far is known to this tool only, and is in no file of a node' },
})
