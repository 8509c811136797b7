import { type Finding, files, finding, type Task } from 'ha-provision'
import { differences } from './compare.js'
import { confProbe } from './dump.js'
import { existingConf, foundKey, reasonByHand, wantedIn } from './existing.js'
import { fenceProgramText, fixes } from './install.js'
import { type Builder, type Drbd, resourceFile } from './layout.js'
import type { Meaning } from './meaning.js'
import { fenceProgram, fencesItself, globalConfig, hideKey, keyOf, mainConfig, resourceConfig } from './render.js'
import { drbdProbe, majorOf, pendingProbe } from './status.js'
import { type AtConfig, globalFile, mainFile, usageFile, type View } from './view.js'

export type ConfigId =
  | 'resource-file'
  | 'resource-by-hand'
  | 'no-main-file'
  | 'usage-count'
  | 'other-main-file'
  | 'readable-key'
  | 'fence-program'
  | 'refused'

function baseFindings(
  node: string,
  view: View,
  existing: Readonly<Record<string, Meaning>>,
  wanted: readonly string[],
) {
  const found: Finding<ConfigId>[] = []
  const main = view.base.main?.content
  if (main === undefined && view.conf.main === undefined)
    found.push(finding('no-main-file', { subject: node, desired: mainConfig, actual: undefined }))
  else if (
    !/^\s*include\s+"?(\/etc\/)?drbd\.d\/\*(\.res)?"?\s*;/m.test(main ?? '') &&
    wanted.some((name) => !existing[name])
  )
    found.push(
      finding('other-main-file', { subject: node, desired: mainConfig, actual: main && hideKey(main, undefined) }),
    )
  const { conf } = view.conf
  const globals = conf?.sections.filter(({ words }) => words[0] === 'global') ?? []
  const { file } = usageFile(view)
  const isSaid = globals.some(({ statements }) => statements.some((words) => words.join(' ') === 'usage-count no'))
  // A third file that says it is left alone: a second section would make the whole configuration invalid.
  const isElsewhere = globals.length > 0 && !/^\s*global\s*\{/m.test(file?.content ?? '')
  const desired = globalConfig(file?.content)
  if (!isSaid && !isElsewhere && desired !== file?.content)
    found.push(
      finding('usage-count', {
        subject: node,
        desired: hideKey(desired, undefined),
        actual: file && hideKey(file.content, undefined),
      }),
    )
  return found
}

/** Before the resource files: a resource that waits for its fencing must find it. */
function programFindings(node: string, { program }: View): readonly Finding<'fence-program'>[] {
  if (!program) return []
  const { fence } = program
  const desired = fenceProgramText()
  if (fence?.content === desired && fence.mode === '0755') return []
  const note = fence && fence.mode !== '0755' ? { note: `mode ${fence.mode}` } : {}
  return [finding('fence-program', { subject: `${fenceProgram} on ${node}`, desired, actual: fence?.content, ...note })]
}

/** What a node's description of one resource lacks; undefined when it means what it should. */
function resourceFinding(
  at: AtConfig,
  name: string,
  node: string,
  key: string | undefined,
  existing: Meaning | undefined,
) {
  const resource = at.settings.resources[name]
  const view = at.nodes[node]
  if (!resource || !view) return undefined
  const file = view.resources[name]
  const desired = resourceConfig(at, name, resource, majorOf(view.drbd), key ?? '')
  const subject = `${name} on ${node}`
  const mode = file && keyOf(file.content) && file.mode !== '0600' ? `mode ${file.mode}, not 0600` : undefined
  const different = existing && differences(wantedIn(view, name, desired), existing)
  const isAsWanted = different?.length === 0 && existing?.foreign.length === 0
  if (isAsWanted && mode === undefined) return undefined
  // A resource that runs as its file says, elsewhere than the config does: to follow, DRBD would take its disk or its peer away.
  const moved =
    existing && view.drbd.minors[existing.hosts[node]?.minor ?? resource.minor] && !view.pending[name]
      ? (different ?? []).filter(({ what }) => Object.hasOwn(existing.hosts, what.split('.')[0] ?? ''))
      : []
  const running =
    moved.length > 0 ? `the resource is up with this ${moved.map(({ what }) => what).join(', ')}` : undefined
  const byHand = isAsWanted ? undefined : (reasonByHand(name, view, existing) ?? running)
  if (byHand !== undefined)
    return finding('resource-by-hand', {
      subject,
      desired: different?.map(({ what, desired: value }) => `${what} ${value}`).join(', '),
      actual: different?.map(({ what, actual: value }) => `${what} ${value}`).join(', '),
      note: byHand,
    })
  return finding('resource-file', {
    subject,
    desired: isAsWanted ? '0600' : hideKey(desired, key),
    actual: isAsWanted ? file?.mode : file && hideKey(file.content, key),
    ...(mode ? { note: mode } : {}),
  })
}

const probesOf = ({ settings }: { readonly settings: Drbd }) => ({
  drbd: drbdProbe,
  conf: confProbe,
  pending: pendingProbe(Object.keys(settings.resources)),
  resources: files(Object.fromEntries(Object.keys(settings.resources).map((name) => [name, resourceFile(name)]))),
  base: files({ main: mainFile, global: globalFile }),
  ...(Object.values(settings.resources).some(fencesItself) ? { program: files({ fence: fenceProgram }) } : {}),
})

/** The files of DRBD, compared by what they mean: who wrote them, in which file and how, does not matter. drbd.conf(5) */
export const configTask = (t: Builder): Task =>
  t.perCluster<ReturnType<typeof probesOf>, ConfigId>({
    id: 'config',
    title: 'resource files',
    probes: probesOf,
    check(at) {
      const found: Finding<ConfigId>[] = []
      const wanted = Object.keys(at.settings.resources)
      const existing = new Map<string, Readonly<Record<string, Meaning>>>()
      for (const [node, view] of Object.entries(at.nodes)) {
        if (!view.conf.installed) return { waits: `waits for drbd/packages: drbdadm is not installed on ${node}` }
        existing.set(node, existingConf(view))
      }
      for (const [node, view] of Object.entries(at.nodes)) {
        const own = existing.get(node) ?? {}
        const mine: Finding<ConfigId>[] = [...programFindings(node, view), ...baseFindings(node, view, own, wanted)]
        const isNotRead = mine.some(({ id }) => id === 'other-main-file')
        for (const name of wanted) {
          if (isNotRead && !own[name]) continue
          const key = foundKey([...existing.values()].map((resources) => resources[name]))
          const one = resourceFinding(at, name, node, key, own[name])
          if (one) mine.push(one)
        }
        for (const { mode, path } of view.conf.secrets)
          if (mode !== '0600' && mode !== '0400' && !wanted.some((name) => path === resourceFile(name)))
            mine.push(finding('readable-key', { subject: `${path} on ${node}`, desired: '0600', actual: mode }))
        // What is to be written may well be what drbdadm refuses.
        if (view.conf.refused !== undefined && view.conf.main !== undefined && mine.length === 0)
          mine.push(finding('refused', { subject: node, desired: 'drbdadm dump', actual: view.conf.refused }))
        found.push(...mine)
      }
      return found
    },
    fix: fixes,
  })
